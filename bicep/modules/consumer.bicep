metadata description = 'Consumer of an event hub: its groups and its role on this hub only. What a team deploys that reacts to events.'

@description('Required. Name of the namespace.')
param namespaceName string

@description('Required. Name of the hub.')
param hubName string

@description('Required. Consumer groups, one for each function that the hub triggers; none where it is only looked into.')
param groups string[]

@description('Required. Name of the identity that reads.')
param receiver string

@description('Azure Event Hubs Data Receiver.')
var receiverRole = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource eventHub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = {
  parent: namespace
  name: hubName
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: receiver
}

@batchSize(1)
resource consumerGroups 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2026-01-01' = [
  for group in groups: {
    parent: eventHub
    name: group
  }
]

// The trigger reads what concerns the whole hub, so a role on its group alone does not do.
resource receiving 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(eventHub.id, receiver, receiverRole)
  scope: eventHub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', receiverRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}
