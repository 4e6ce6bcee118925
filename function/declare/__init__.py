"""The declaration language: the types of endpoints, jobs, tables, queues and settings.

Nothing here imports the AWS SDK or reads the environment, so the Pulumi program, the tests and a
cold start all read the declarations. They are named tuples, because importing dataclasses, which
import `inspect`, would double the time to load them. A value checks itself. `registry` and
`job_registry` check the values and the references between them, before a deployment only.
"""
