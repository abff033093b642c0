metadata description = 'Storage account of captured files, reports and dead letters, and how long each of them is kept.'

import { tagSet } from '../types.bicep'

@description('How long the blobs of a container are kept.')
type retentionRule = {
  @description('Required. Container.')
  container: string

  @description('Required. Beginning of the names of the blobs that are meant; empty for all.')
  prefix: string

  @description('Required. Whether what is in it may name a person; it is then never immutable.')
  personal: bool

  @description('Required. Days until blobs move to the cool tier; 0 for never.')
  coolAfterDays: int

  @description('Required. Days until blobs are deleted.')
  deleteAfterDays: int
}

@description('Required. Name.')
@minLength(3)
@maxLength(24)
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. Replication; Capture takes no premium storage.')
param sku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GZRS'

@description('Required. Containers.')
param containers string[]

@description('Required. How long blobs are kept.')
param retentions retentionRule[]

@description('Required. Days in which nobody can change or delete captured files that name no person; 0 for none.')
@minValue(0)
@maxValue(146000)
param immutabilityDays int

@description('Required. Whether a policy that was locked by hand is left alone.')
param immutabilityLocked bool

@description('Required. Days that a deleted blob can be had back.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

@description('Required. Name of the identity that writes captured files.')
param captureIdentityName string

@description('Required. Containers that files are captured to.')
param captureContainers string[]

@description('Required. Object id of who deploys: Event Hubs lets nobody point Capture at a container that they cannot write to.')
param deployerPrincipalId string

@description('Required. What the deployer is.')
param deployerPrincipalType 'ServicePrincipal' | 'User'

@description('Required. Whether only private endpoints and trusted services of Azure reach it.')
param privateNetworking bool

@description('Required. Whether nobody may delete it.')
param locked bool

@description('Required. Name of the workspace that its logs go to.')
param workspaceName string

@description('Storage Blob Data Contributor.')
var contributorRole = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

@description('Rules of the containers that may be immutable.')
var immutable = filter(retentions, rule => !rule.personal && contains(captureContainers, rule.container))

resource captureIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: captureIdentityName
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
    // Trusted services still come in by the public address: Capture writes here, and Event Grid its dead letters.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

// No versions: a deleted blob would live on as one, and what names a person must go in time.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: softDeleteDays }
    containerDeleteRetentionPolicy: { enabled: true, days: softDeleteDays }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = [
  for container in containers: {
    parent: blobs
    name: container
    properties: { publicAccess: 'None' }
  }
]

resource immutableContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for rule in immutable: {
    parent: blobs
    name: rule.container
  }
]

resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2026-04-01' = [
  for (rule, i) in immutable: if (immutabilityDays > 0 && !immutabilityLocked) {
    parent: immutableContainers[i]
    name: 'default'
    properties: {
      immutabilityPeriodSinceCreationInDays: immutabilityDays
      allowProtectedAppendWritesAll: true
    }
    dependsOn: [blobContainers]
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: map(retentions, rule => {
        name: replace(rule.container, '-', '')
        type: 'Lifecycle'
        enabled: true
        definition: {
          filters: { blobTypes: ['blockBlob'], prefixMatch: ['${rule.container}/${rule.prefix}'] }
          actions: {
            baseBlob: {
              tierToCool: rule.coolAfterDays == 0 ? null : { daysAfterModificationGreaterThan: rule.coolAfterDays }
              delete: { daysAfterModificationGreaterThan: rule.deleteAfterDays }
            }
          }
        }
      })
    }
  }
  dependsOn: [blobContainers]
}

resource captured 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for container in captureContainers: {
    parent: blobs
    name: container
  }
]

resource capturing 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, i) in captureContainers: {
    name: guid(captured[i].id, captureIdentityName, contributorRole)
    scope: captured[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
      principalId: captureIdentity.properties.principalId
      principalType: 'ServicePrincipal'
    }
    dependsOn: [blobContainers]
  }
]

resource deploying 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, deployerPrincipalId, contributorRole)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  name: 'keep'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'Captured files are what everything can be rebuilt from.' }
}

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
