"""What the function gets from a stack's config, each one line; `request.settings` reads it."""

from function.declare.setting import Setting

RETENTION_DAYS = Setting(
    "retention_days",
    int,
    description="Days after which a record expires; 0: never.",
    default=0,
    minimum=0,
    maximum=3_650,
)
