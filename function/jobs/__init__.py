"""Every module in this package declares one job, as its `JOB`."""
