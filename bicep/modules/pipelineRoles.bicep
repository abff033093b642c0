metadata description = 'What a pipeline may do in the subscription: deploy, write the policy on tags and locks, and give the roles of these templates.'

targetScope = 'subscription'

@description('Required. Name of the identity, which names of the assignments are made of.')
param principalName string

@description('Required. Object id of the identity.')
param principalId string

@description('Required. GUIDs of the roles that it may give and take.')
param roles string[]

@description('Contributor.')
var contributorRole = 'b24988ac-6180-42a0-ab88-20f7382dd24c'

@description('Resource Policy Contributor.')
var policyRole = '36243c78-bf99-498c-9df9-86d9f8d28608'

@description('Locks Contributor. What a Contributor may not do, and a stage whose data is locked needs.')
var locksRole = '28bf596f-4eb7-45ce-b5bc-6cf482fec137'

@description('Role Based Access Control Administrator.')
var accessRole = 'f58310d9-a9f6-439a-9e8d-f62e7b41a168'

@description('The roles as conditions have them.')
var listed = '{${join(roles, ', ')}}'

@description('Attribute that says which role is given.')
var requested = '@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals ${listed}'

@description('Attribute that says which role is taken.')
var present = '@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals ${listed}'

@description('Condition of giving.')
var giving = '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/write\'}) OR ${requested})'

@description('Condition of taking.')
var taking = '(!(ActionMatches{\'Microsoft.Authorization/roleAssignments/delete\'}) OR ${present})'

resource deploying 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalName, contributorRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource governing 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalName, policyRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', policyRole)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource locking 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalName, locksRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', locksRole)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource granting 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalName, accessRole)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', accessRole)
    principalId: principalId
    principalType: 'ServicePrincipal'
    condition: '${giving} AND ${taking}'
    conditionVersion: '2.0'
  }
}
