metadata description = 'Roles of one identity or group, each on the one thing that it is needed for.'

import { grant, textByName } from '../types.bicep'

@description('Required. Name of the identity, or object id of who has none, which names of the assignments are made of.')
param principalName string

@description('Required. Its object id.')
param principalId string

@description('Required. What it is.')
param principalType 'Group' | 'ServicePrincipal' | 'User'

@description('Required. Its roles; those on data of Cosmos DB and on host storage are written elsewhere.')
param grants grant[]

@description('Required. Name of the Event Hubs namespace.')
param namespaceName string

@description('Required. Name of the storage account of captured files, reports and dead letters.')
param dataStorageName string

@description('Required. Names of the Event Grid topics by those in topology.json.')
param topicNames textByName

@description('Required. Name of the Event Grid system topic of that storage account.')
param storageTopicName string

@description('Required. Name of the Log Analytics workspace.')
param workspaceName string

@description('Roles on the namespace with its schema registry.')
var onNamespace = filter(grants, item => item.kind == 'namespace')

@description('Roles on hubs.')
var onHubs = filter(grants, item => item.kind == 'hub')

@description('Roles on blob containers.')
var onContainers = filter(grants, item => item.kind == 'dataContainer')

@description('Roles on the whole storage account.')
var onStorage = filter(grants, item => item.kind == 'dataAccount')

@description('Roles on one topic.')
var onTopics = filter(grants, item => item.kind == 'topic')

@description('Roles on every topic.')
var onEventGrid = filter(grants, item => item.kind == 'topics')

@description('Roles on the workspace.')
var onWorkspace = filter(grants, item => item.kind == 'workspace')

@description('Names of all topics.')
var allTopics = map(items(topicNames), item => item.value)

@description('Topics that these are on, pair by pair.')
var onEveryTopic = flatten(map(onEventGrid, item => map(allTopics, topic => { topic: topic, role: item.role })))

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource hubs 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' existing = [
  for item in onHubs: {
    parent: namespace
    name: item.name
  }
]

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: dataStorageName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = [
  for item in onContainers: {
    parent: storage::blobs
    name: item.name
  }
]

resource topics 'Microsoft.EventGrid/topics@2025-02-15' existing = [
  for item in onTopics: {
    name: topicNames[item.name]
  }
]

resource everyTopic 'Microsoft.EventGrid/topics@2025-02-15' existing = [
  for item in onEveryTopic: {
    name: item.topic
  }
]

resource storageTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: storageTopicName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource namespaceRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in onNamespace: {
    name: guid(namespace.id, principalName, item.role)
    scope: namespace
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource hubRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in onHubs: {
    name: guid(hubs[i].id, principalName, item.role)
    scope: hubs[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource storageRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in onStorage: {
    name: guid(storage.id, principalName, item.role)
    scope: storage
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource containerRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in onContainers: {
    name: guid(containers[i].id, principalName, item.role)
    scope: containers[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource topicRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in onTopics: {
    name: guid(topics[i].id, principalName, item.role)
    scope: topics[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource everyTopicRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in onEveryTopic: {
    name: guid(everyTopic[i].id, principalName, item.role)
    scope: everyTopic[i]
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource storageTopicRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in onEventGrid: {
    name: guid(storageTopic.id, principalName, item.role)
    scope: storageTopic
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]

resource workspaceRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for item in onWorkspace: {
    name: guid(workspace.id, principalName, item.role)
    scope: workspace
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
      principalId: principalId
      principalType: principalType
    }
  }
]
