metadata description = 'Roles on data of Cosmos DB. They are written one after the other: each write locks the account.'

import { appRole, personRole } from '../types.bicep'

@description('Required. Name of the account.')
param accountName string

@description('Required. Roles of apps.')
param apps appRole[]

@description('Required. Roles of people.')
param people personRole[]

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: accountName
}

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = [
  for app in apps: {
    name: app.identity
  }
]

@batchSize(1)
resource appRoles 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = [
  for (app, i) in apps: {
    parent: account
    name: guid(account.id, app.identity, app.path, app.role)
    properties: {
      roleDefinitionId: resourceId('Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions', accountName, app.role)
      principalId: identities[i].properties.principalId
      scope: '${account.id}${app.path}'
    }
  }
]

@batchSize(1)
resource peopleRoles 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = [
  for person in people: {
    parent: account
    name: guid(account.id, person.person, person.principalId, person.path, person.role)
    properties: {
      roleDefinitionId: resourceId('Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions', accountName, person.role)
      principalId: person.principalId
      scope: '${account.id}${person.path}'
    }
    dependsOn: [appRoles]
  }
]
