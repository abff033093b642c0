metadata description = 'Policy that every resource names the team that owns it. Definitions live in the subscription.'

targetScope = 'subscription'

import { teams } from '../types.bicep'

@description('Required. Name.')
param name string

resource definition 'Microsoft.Authorization/policyDefinitions@2026-07-01' = {
  name: name
  properties: {
    policyType: 'Custom'
    mode: 'Indexed'
    displayName: 'Contoso: a resource names its team'
    description: 'Denies what has no tag team, or one that names no team. Azure itself makes some rules without tags.'
    parameters: {
      allowedTeams: {
        type: 'Array'
        metadata: { displayName: 'Teams', description: 'Values of the tag team.' }
        defaultValue: teams
      }
    }
    policyRule: {
      if: {
        allOf: [
          { field: 'tags[team]', notIn: '[parameters(\'allowedTeams\')]' }
          {
            field: 'type'
            notIn: ['microsoft.alertsmanagement/smartDetectorAlertRules', 'Microsoft.Insights/actionGroups']
          }
        ]
      }
      then: { effect: 'deny' }
    }
  }
}
