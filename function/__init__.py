"""What runs in Lambda. Imports neither Pulumi nor `components` nor `local`."""
