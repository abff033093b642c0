metadata description = 'Event Grid subscriptions to functions. Azure asks the function whether it agrees, so they come after the code.'

import { stage, textByName } from '../types.bicep'
import { functionAppNameOf, namesOf } from '../names.bicep'

@description('Required. Stage.')
param environmentName stage

@description('Required. Name of the app that has each function.')
param apps textByName

@description('Subscriptions of topology.json.')
var subscriptions = loadJsonContent('../topology.json', '$.eventGrid.subscriptions')

@description('What makes names unique in the world.')
var token = uniqueString(subscription().id, resourceGroup().name)

@description('Names of this environment.')
var names = namesOf(environmentName, token)

resource storage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: names.dataStorage
}

resource storageTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: names.storageTopic
}

resource functionApps 'Microsoft.Web/sites@2025-03-01' existing = [
  for item in subscriptions: {
    name: functionAppNameOf(apps[item.function], environmentName, token)
  }
]

@batchSize(1)
resource eventSubscriptions 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = [
  for (item, i) in subscriptions: {
    parent: storageTopic
    name: item.name
    properties: {
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: '${functionApps[i].id}/functions/${item.function}'
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: {
        includedEventTypes: item.eventTypes
        subjectBeginsWith: item.subjectBeginsWith
        subjectEndsWith: item.subjectEndsWith
      }
      retryPolicy: {
        maxDeliveryAttempts: item.maxDeliveryAttempts
        eventTimeToLiveInMinutes: item.timeToLiveMinutes
      }
      deadLetterWithResourceIdentity: {
        identity: { type: 'SystemAssigned' }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: { resourceId: storage.id, blobContainerName: item.deadLetterContainer }
        }
      }
    }
  }
]
