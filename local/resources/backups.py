"""AWS Backup and AWS Budgets."""

from local.calls import Calls
from local.provisioner import Context, take
from local.pulumi_program import Properties


def _budget(_: Context, declared: Properties) -> None:
    declared["budgetLimit"] = take(declared, limitAmount="amount", limitUnit="unit")
    declared["costFilters"] = {each["name"]: each["values"] for each in declared["costFilters"]}
    for each in declared["notifications"]:
        addresses = each.pop("subscriberSnsTopicArns")
        each["notification"] = {name: each.pop(name) for name in tuple(each)}
        each["subscribers"] = [{"subscriptionType": "SNS", "address": arn} for arn in addresses]


CALLS = {
    "aws:backup/vault:Vault": Calls(
        "create_backup_vault",
        named="BackupVaultName",
        renamed={"tags": "BackupVaultTags"},
        arn="{BackupVaultArn}",
    ),
    "aws:backup/plan:Plan": Calls(
        "create_backup_plan",
        named="BackupPlan.BackupPlanName",
        renamed={
            "rules": "BackupPlan.Rules",
            "targetVaultName": "TargetBackupVaultName",
            "schedule": "ScheduleExpression",
            "deleteAfter": "DeleteAfterDays",
            "tags": "BackupPlanTags",
        },
        id="{BackupPlanId}",
    ),
    "aws:backup/selection:Selection": Calls(
        "create_backup_selection",
        named="BackupSelection.SelectionName",
        renamed={
            "planId": "BackupPlanId",
            "iamRoleArn": "BackupSelection.IamRoleArn",
            "resources": "BackupSelection.Resources",
        },
        id="{SelectionId}",
    ),
    "aws:budgets/budget:Budget": Calls(
        "create_budget",
        adapt=_budget,
        named="Budget.BudgetName",
        renamed={
            "budgetLimit": "Budget.BudgetLimit",
            "budgetType": "Budget.BudgetType",
            "costFilters": "Budget.CostFilters",
            "timeUnit": "Budget.TimeUnit",
            "notifications": "NotificationsWithSubscribers",
            "tags": "ResourceTags",
        },
        fixed={"AccountId": "{account}"},
        id="{account}:{name}",
        deletion={"BudgetName": "{name}"},
    ),
}
