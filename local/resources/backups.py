"""AWS Backup and AWS Budgets."""

from functools import partial

from local.provisioner import Context, Provisioned, provisions, take
from local.pulumi_program import Properties


@provisions("aws:backup/vault:Vault")
def _vault(context: Context, declared: Properties) -> Provisioned:
    name = context.physical_name(declared)
    made = context.client.create_backup_vault(
        BackupVaultName=name, BackupVaultTags=declared.pop("tags", {})
    )
    return Provisioned(
        id=name,
        outputs={"name": name, "arn": made["BackupVaultArn"]},
        delete=partial(context.client.delete_backup_vault, BackupVaultName=name),
    )


@provisions("aws:backup/plan:Plan")
def _plan(context: Context, declared: Properties) -> Provisioned:
    rules = [
        {
            **take(
                rule,
                ruleName="RuleName",
                targetVaultName="TargetBackupVaultName",
                schedule="ScheduleExpression",
            ),
            "Lifecycle": take(rule["lifecycle"], deleteAfter="DeleteAfterDays"),
        }
        for rule in declared["rules"]
    ]
    del declared["rules"]
    plan = {"BackupPlanName": context.physical_name(declared), "Rules": rules}
    made = context.client.create_backup_plan(
        BackupPlan=plan, BackupPlanTags=declared.pop("tags", {})
    )
    delete = partial(context.client.delete_backup_plan, BackupPlanId=made["BackupPlanId"])
    return Provisioned(id=made["BackupPlanId"], delete=delete)


@provisions("aws:backup/selection:Selection")
def _selection(context: Context, declared: Properties) -> Provisioned:
    plan = {"BackupPlanId": declared.pop("planId")}
    selection = {
        "SelectionName": context.physical_name(declared),
        **take(declared, iamRoleArn="IamRoleArn", resources="Resources"),
    }
    made = context.client.create_backup_selection(**plan, BackupSelection=selection)
    identity = {"SelectionId": made["SelectionId"]}
    return Provisioned(
        id=made["SelectionId"],
        delete=partial(context.client.delete_backup_selection, **plan, **identity),
    )


@provisions("aws:budgets/budget:Budget")
def _budget(context: Context, declared: Properties) -> Provisioned:
    account, name = {"AccountId": context.stack.account}, context.physical_name(declared)
    filters = {one["name"]: one["values"] for one in declared.pop("costFilters")}
    notifications = [
        {
            "Notification": {
                "NotificationType": one["notificationType"],
                "ComparisonOperator": one["comparisonOperator"],
                "Threshold": one["threshold"],
                "ThresholdType": one["thresholdType"],
            },
            "Subscribers": [
                {"SubscriptionType": "SNS", "Address": arn} for arn in one["subscriberSnsTopicArns"]
            ],
        }
        for one in declared.pop("notifications")
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
