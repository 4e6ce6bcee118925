"""What runs in Lambda: handlers, the AWS client, telemetry."""
