metadata description = 'Storage account of an app: package, locks, keys, checkpoints. Each app has one, so that no two hosts share an id.'

import { grant, tagSet } from '../types.bicep'

@description('Required. Name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. Replication.')
param sku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GZRS'

@description('Required. Containers that the host works with; it may not create any.')
param containers string[]

@description('Required. Container of the package.')
param packageContainer string

@description('Required. Name of the app\'s identity.')
param identityName string

@description('Required. Roles of the app on these containers.')
param grants grant[]

@description('Required. Whether only private endpoints reach it.')
param privateNetworking bool

@description('Required. Name of the workspace that its logs go to.')
param workspaceName string

@description('Storage Blob Data Contributor.')
var contributorRole = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

@description('Storage Table Data Contributor: the host writes diagnostic events to a table.')
var tableRole = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
    containerDeleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobs
  name: packageContainer
  properties: { publicAccess: 'None' }
}

resource hostContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in containers: {
    parent: blobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource packaging 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(packages.id, identityName, contributorRole)
  scope: packages
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource telling 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, identityName, tableRole)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

resource granted 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for item in grants: {
    parent: blobs
    name: item.name
  }
]

resource hosting 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in grants: {
    name: guid(granted[i].id, identityName, item.role)
    scope: granted[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
    }
    dependsOn: [hostContainers]
  }
]

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: blobs
  properties: {
    workspaceId: workspace.id
    logs: [{ category: 'StorageWrite', enabled: true }, { category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}
