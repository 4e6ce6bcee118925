"""Alarms, dashboard, and the component that declares them."""
