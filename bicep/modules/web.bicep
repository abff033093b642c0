metadata description = 'Storage account whose static site serves web/. It is public by nature, and holds nothing else.'

import { tagSet } from '../types.bicep'

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

@description('Required. Object id of who deploys, and so uploads the pages.')
param deployerPrincipalId string

@description('Required. What the deployer is.')
param deployerPrincipalType 'ServicePrincipal' | 'User'

@description('Required. Name of the workspace that its logs go to.')
param workspaceName string

@description('Storage Blob Data Contributor.')
var contributorRole = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

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
    publicNetworkAccess: 'Enabled'
    networkAcls: { bypass: 'AzureServices', defaultAction: 'Allow' }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      isVersioningEnabled: true
      deleteRetentionPolicy: { enabled: true, days: 7 }
      staticWebsite: { enabled: true, indexDocument: 'index.html', errorDocument404Path: 'index.html' }
    }
  }
}

resource deploying 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, deployerPrincipalId, contributorRole)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account::blobs
  properties: {
    workspaceId: workspace.id
    logs: [{ category: 'StorageWrite', enabled: true }, { category: 'StorageDelete', enabled: true }]
    metrics: [{ category: 'Transaction', enabled: true }]
  }
}

@description('Origin of the pages, without a path.')
output origin string = 'https://${split(account.properties.primaryEndpoints.web, '/')[2]}'
