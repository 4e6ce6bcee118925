"""Alarms, dashboard, and the component that creates them."""
