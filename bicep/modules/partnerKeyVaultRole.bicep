metadata description = 'Role of an app on the secret of partners in a key vault of another resource group: it reads that secret, and nothing else there.'

@description('Required. Name of the vault. It takes roles (`enableRbacAuthorization`), and has the secret.')
param vaultName string

@description('Required. GUID of the role.')
param role string

@description('Required. Name of the identity, which the name of the assignment is made of.')
param principalName string

@description('Required. Its object id.')
param principalId string

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' existing = {
  name: vaultName

  resource masterKeys 'secrets' existing = {
    name: 'partner-master-keys'
  }
}

resource secretRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault::masterKeys.id, principalName, role)
  scope: vault::masterKeys
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
