"""The settings of a stack's config, one line each; read them by `request.settings[NAME]`."""

from function.declare.setting import Setting

RETENTION_DAYS = Setting(
    "retention_days",
    int,
    description="Days after which a record expires; 0: never.",
    default=0,
    minimum=0,
    maximum=3_650,
)
