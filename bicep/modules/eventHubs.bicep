metadata description = 'Event Hubs namespace with its schema groups: what the platform team owns. Hubs and consumer groups are their teams\'.'

import { tagSet } from '../types.bicep'

@description('Schema group: how its versions must fit.')
type schemaGroup = {
  @description('Required. Name.')
  name: string

  @description('Required. What a new version must be able to read.')
  compatibility: string
}

@description('Required. Name of the namespace.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. Name of the identity that writes captured files.')
param captureIdentityName string

@description('Required. Groups of the schema registry.')
param schemaGroups schemaGroup[]

@description('Required. Throughput units at rest.')
@minValue(1)
@maxValue(40)
param capacity int

@description('Required. Throughput units that it may grow to by itself.')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int

@description('Required. Whether only private endpoints and trusted services of Azure reach it.')
param privateNetworking bool

@description('Required. Whether nobody may delete it.')
param locked bool

@description('Required. Name of the workspace that its logs go to.')
param workspaceName string

@description('Namespace and rule set must name the same access.')
var publicNetworkAccess = privateNetworking ? 'Disabled' : 'Enabled'

resource captureIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: captureIdentityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard', tier: 'Standard', capacity: capacity }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${captureIdentity.id}': {} }
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: publicNetworkAccess
    isAutoInflateEnabled: maximumThroughputUnits > capacity
    maximumThroughputUnits: maximumThroughputUnits > capacity ? maximumThroughputUnits : 0
  }

  // Trusted services stay let in: Event Grid is one, where a subscription is to deliver to a hub.
  resource network 'networkRuleSets' = {
    name: 'default'
    properties: {
      publicNetworkAccess: publicNetworkAccess
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
      trustedServiceAccessEnabled: true
    }
  }
}

@batchSize(1)
resource groups 'Microsoft.EventHub/namespaces/schemagroups@2026-01-01' = [
  for group in schemaGroups: {
    parent: namespace
    name: group.name
    properties: {
      schemaType: 'Avro'
      schemaCompatibility: group.compatibility
      groupProperties: {}
    }
  }
]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  name: 'keep'
  scope: namespace
  properties: { level: 'CanNotDelete', notes: 'Its events are gone with it.' }
}

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: namespace
  properties: {
    workspaceId: workspace.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}
