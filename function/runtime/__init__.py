"""The runtime in Lambda: handlers, the AWS client, telemetry."""
