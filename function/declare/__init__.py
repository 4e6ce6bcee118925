"""The declaration language: what endpoints, jobs, tables, queues and settings are declared with.

Nothing here imports the AWS SDK or reads the environment, so the Pulumi program, the tests and a
cold start all read the declarations. They are named tuples: dataclasses would cost as much again
to import, for the sake of `inspect`. A value checks itself; `registry` loads what is declared and
checks what one value says of another.
"""
