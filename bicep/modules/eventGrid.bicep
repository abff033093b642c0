metadata description = 'Event Grid: topics that partners subscribe to, and the system topic of the data storage account.'

import { tagSet } from '../types.bicep'

@description('Topic.')
type topicSpec = {
  @description('Required. Name in topology.json.')
  name: string

  @description('Required. Schema that events are sent in.')
  inputSchema: string
}

@description('Required. Topics.')
param topics topicSpec[]

@description('Required. Names of the resources of these topics, in the same order.')
param topicNames string[]

@description('Required. Name of the system topic.')
param storageTopicName string

@description('Required. Name of the storage account whose blobs the system topic tells of, and which dead letters go to.')
param storageName string

@description('Required. Container of dead letters.')
param deadLetterContainer string

@description('Required. Region.')
param location string

@description('Required. Tags of the topics.')
param tags tagSet

@description('Required. Whether only private endpoints reach the topics.')
param privateNetworking bool

@description('Required. Name of the workspace that logs go to.')
param workspaceName string

@description('Storage Blob Data Contributor.')
var contributorRole = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'

@description('Storage Queue Data Message Sender.')
var queueSenderRole = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource deadLetters 'containers' existing = {
      name: deadLetterContainer
    }
  }
}

// A firewalled storage account takes dead letters only from the identity of the topic itself.
resource customTopics 'Microsoft.EventGrid/topics@2025-02-15' = [
  for (topic, i) in topics: {
    name: topicNames[i]
    location: location
    tags: tags
    identity: { type: 'SystemAssigned' }
    properties: {
      inputSchema: topic.inputSchema
      disableLocalAuth: true
      minimumTlsVersionAllowed: '1.2'
      publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    }
  }
]

resource storageTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: storageTopicName
  location: location
  tags: tags
  identity: { type: 'SystemAssigned' }
  properties: {
    source: storage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

// Event Grid looks for these when a subscription with a dead letter is made, not only when it uses it.
resource topicDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (topic, i) in topics: {
    name: guid(storage::blobs::deadLetters.id, topicNames[i], contributorRole)
    scope: storage::blobs::deadLetters
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
      principalId: customTopics[i].identity.principalId
      principalType: 'ServicePrincipal'
    }
  }
]

// Queues of partners' listeners come and go, so the role is on the account; it puts messages into queues and does nothing else.
resource topicQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (topic, i) in topics: {
    name: guid(storage.id, topicNames[i], queueSenderRole)
    scope: storage
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueSenderRole)
      principalId: customTopics[i].identity.principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource storageDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage::blobs::deadLetters.id, storageTopicName, contributorRole)
  scope: storage::blobs::deadLetters
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributorRole)
    principalId: storageTopic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource topicDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for (topic, i) in topics: {
    name: 'workspace'
    scope: customTopics[i]
    properties: {
      workspaceId: workspace.id
      // Into tables of their own: partners are told of failed deliveries from AegDeliveryFailureLogs.
      logAnalyticsDestinationType: 'Dedicated'
      logs: [{ categoryGroup: 'allLogs', enabled: true }]
      metrics: [{ category: 'AllMetrics', enabled: true }]
    }
  }
]

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource storageDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: storageTopic
  properties: {
    workspaceId: workspace.id
    logs: [{ categoryGroup: 'allLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}
