"""AWS Backup and AWS Budgets."""

from functools import partial

from local.calls import Calls
from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties

CALLS = {
    "aws:backup/vault:Vault": Calls(
        create="create_backup_vault",
        delete="delete_backup_vault",
        named="BackupVaultName",
        renamed={"tags": "BackupVaultTags"},
        id="{BackupVaultName}",
        outputs={"name": "{BackupVaultName}", "arn": "{BackupVaultArn}"},
    ),
    "aws:backup/plan:Plan": Calls(
        create="create_backup_plan",
        delete="delete_backup_plan",
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
        create="create_backup_selection",
        delete="delete_backup_selection",
        named="BackupSelection.SelectionName",
        renamed={
            "planId": "BackupPlanId",
            "iamRoleArn": "BackupSelection.IamRoleArn",
            "resources": "BackupSelection.Resources",
        },
        id="{SelectionId}",
    ),
}


@provisions("aws:budgets/budget:Budget")
def _budget(context: Context, declared: Properties) -> Provisioned:
    account, name = {"AccountId": context.stack.account}, context.physical_name(declared)
    filters = {each["name"]: each["values"] for each in declared.pop("costFilters")}
    notifications = [
        {
            "Subscribers": [
                {"SubscriptionType": "SNS", "Address": arn}
                for arn in each.pop("subscriberSnsTopicArns")
            ],
            "Notification": {key[0].upper() + key[1:]: value for key, value in each.items()},
        }
        for each in declared.pop("notifications")
    ]
    declared.pop("tags", None)
    context.client.create_budget(
        **account,
        Budget={
            "BudgetName": name,
            "BudgetLimit": take(declared, limitAmount="Amount", limitUnit="Unit"),
            "CostFilters": filters,
            **take(declared, budgetType="BudgetType", timeUnit="TimeUnit"),
        },
        NotificationsWithSubscribers=notifications,
    )
    delete = partial(context.client.delete_budget, **account, BudgetName=name)
    return Provisioned(id=f"{context.stack.account}:{name}", delete=delete)
