metadata description = 'Event hub with its producers: what a team deploys that has events to tell. The platform team owns the namespace.'

@description('Event hub.')
type hubSpec = {
  @description('Required. Name.')
  name: string

  @description('Required. Partitions, which Standard cannot change later.')
  @minValue(1)
  @maxValue(32)
  partitions: int

  @description('Required. Hours that an event is kept.')
  @minValue(72)
  @maxValue(168)
  retentionHours: int

  @description('Required. Blob container that it is captured to; empty for none.')
  captureContainer: string

  @description('Required. Seconds that a captured file spans.')
  captureSeconds: int

  @description('Required. Bytes that end a captured file early.')
  captureBytes: int
}

@description('Required. Name of the namespace.')
param namespaceName string

@description('Required. The hub.')
param hub hubSpec

@description('Required. Name of the storage account that it is captured to.')
param captureStorageName string

@description('Required. Name of the identity that writes captured files.')
param captureIdentityName string

@description('Required. Names of the identities that send to it.')
param senders string[]

@description('Azure Event Hubs Data Sender.')
var senderRole = '2b629674-e913-4c01-ae53-ef4638d8f975'

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource captureStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: captureStorageName
}

resource captureIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: captureIdentityName
}

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = [
  for sender in senders: {
    name: sender
  }
]

resource eventHub 'Microsoft.EventHub/namespaces/eventhubs@2026-01-01' = {
  parent: namespace
  name: hub.name
  properties: {
    partitionCount: hub.partitions
    retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: hub.retentionHours }
    captureDescription: empty(hub.captureContainer)
      ? null
      : {
          enabled: true
          encoding: 'Avro'
          intervalInSeconds: hub.captureSeconds
          sizeLimitInBytes: hub.captureBytes
          skipEmptyArchives: true
          destination: {
            name: 'EventHubArchive.AzureBlockBlob'
            identity: { type: 'UserAssigned', userAssignedIdentity: captureIdentity.id }
            properties: {
              storageAccountResourceId: captureStorage.id
              blobContainer: hub.captureContainer
              archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
            }
          }
        }
  }
}

resource sending 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (sender, i) in senders: {
    name: guid(eventHub.id, sender, senderRole)
    scope: eventHub
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', senderRole)
      principalId: identities[i].properties.principalId
      principalType: 'ServicePrincipal'
    }
  }
]
