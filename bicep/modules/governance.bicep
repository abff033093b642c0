metadata description = 'What holds for the whole resource group: the policy on tags and the budget.'

@description('Required. Name of the policy definition.')
param policyName string

@description('Required. Amount a month that is planned for, in the currency of the subscription; 0 for no budget.')
@minValue(0)
param budgetAmount int

@description('Required. First day of the month that the budget begins in. Azure refuses another one later.')
param budgetStartDate string

@description('Required. Address that is told when most of it is spent.')
param alertEmail string

resource teams 'Microsoft.Authorization/policyAssignments@2026-07-01' = {
  name: policyName
  properties: {
    displayName: 'A resource names its team'
    policyDefinitionId: subscriptionResourceId('Microsoft.Authorization/policyDefinitions', policyName)
    enforcementMode: 'Default'
    nonComplianceMessages: [
      { message: 'Give the resource a tag team that names the team which owns it.' }
    ]
  }
}

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = if (budgetAmount > 0) {
  name: 'monthly'
  properties: {
    category: 'Cost'
    amount: budgetAmount
    timeGrain: 'Monthly'
    timePeriod: { startDate: budgetStartDate }
    notifications: {
      mostIsSpent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
      }
      allWillBeSpent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [alertEmail]
      }
    }
  }
}
