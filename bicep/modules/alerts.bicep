metadata description = 'Alerts on throttling, dead letters, failing partners, lag, failures and a heartbeat that is missing, and a workbook.'

import { tagSet } from '../types.bicep'

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. Name of the workspace.')
param workspaceName string

@description('Required. Name of the action group.')
param actionGroupName string

@description('Required. Name of the Event Hubs namespace.')
param namespaceName string

@description('Required. Name of the Cosmos DB account.')
param cosmosName string

@description('Required. Names of the Event Grid topics.')
param topicNames string[]

@description('Required. Name of the Event Grid system topic.')
param storageTopicName string

@description('Required. Names of the function apps, each of which has a heartbeat.')
param functionApps string[]

@description('Required. Seconds from an event to its effect that are too many.')
@minValue(1)
param lagSeconds int

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' existing = {
  name: actionGroupName
}

resource namespace 'Microsoft.EventHub/namespaces@2026-01-01' existing = {
  name: namespaceName
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: cosmosName
}

resource topics 'Microsoft.EventGrid/topics@2025-02-15' existing = [
  for name in topicNames: {
    name: name
  }
]

resource storageTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: storageTopicName
}

resource hubsThrottled 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'event-hubs-throttled'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Hubs turns senders or readers away: its throughput units are used up.'
    severity: 2
    enabled: true
    scopes: [namespace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          metricName: 'ThrottledRequests'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 10
          skipMetricValidation: true
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}

resource captureBehind 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'capture-behind'
  location: 'global'
  tags: tags
  properties: {
    description: 'Capture has events that it could not write: the storage account refuses it, or is away.'
    severity: 2
    enabled: true
    scopes: [namespace.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'backlog'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          metricName: 'CaptureBacklog'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 1000
          skipMetricValidation: true
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}

resource cosmosThrottled 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'cosmos-throttled'
  location: 'global'
  tags: tags
  properties: {
    description: 'Cosmos DB answers 429: a database has used its request units up.'
    severity: 2
    enabled: true
    scopes: [cosmos.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'throttled'
          metricNamespace: 'Microsoft.DocumentDB/databaseAccounts'
          metricName: 'TotalRequests'
          dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['429'] }]
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 100
          skipMetricValidation: true
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}

resource partnersFailing 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for (name, i) in topicNames: {
    name: 'partners-failing-${name}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid cannot deliver to partners, or has given up on events.'
      severity: 2
      enabled: true
      scopes: [topics[i].id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'failed'
            metricNamespace: 'Microsoft.EventGrid/topics'
            metricName: 'DeliveryAttemptFailCount'
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 50
            skipMetricValidation: true
          }
        ]
      }
      actions: [{ actionGroupId: actionGroup.id }]
    }
  }
]

resource partnersDeadLettered 'Microsoft.Insights/metricAlerts@2026-01-01' = [
  for (name, i) in topicNames: {
    name: 'partners-dead-lettered-${name}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Events for a partner became dead letters.'
      severity: 1
      enabled: true
      scopes: [topics[i].id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: 'dead-lettered'
            metricNamespace: 'Microsoft.EventGrid/topics'
            metricName: 'DeadLetteredCount'
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
            skipMetricValidation: true
          }
        ]
      }
      actions: [{ actionGroupId: actionGroup.id }]
    }
  }
]

resource filesDeadLettered 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'files-dead-lettered'
  location: 'global'
  tags: tags
  properties: {
    description: 'CaptureBatch was not told of a captured file: its event became a dead letter.'
    severity: 1
    enabled: true
    scopes: [storageTopic.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dead-lettered'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
          skipMetricValidation: true
        }
      ]
    }
    actions: [{ actionGroupId: actionGroup.id }]
  }
}

resource lag 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'lag'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'lag'
    description: 'An effect came too late after its event.'
    severity: 2
    enabled: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    // A table exists only from its first row on; a union with none that exists fails, so one that is empty is part of it.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: $'''
union isfuzzy=true (datatable(TimeGenerated: datetime, Message: string)[]), AppTraces
| where Message contains 'lag_ms='
| extend Function = extract(@'function="?(\w+)', 1, Message), Lag = toint(extract('lag_ms=([0-9]+)', 1, Message))
| where Lag > ${lagSeconds} * 1000
'''
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 5
          dimensions: [{ name: 'Function', operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: {
      actionGroups: [actionGroup.id]
    }
  }
}

resource heartbeatMissing 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for app in functionApps: {
    name: 'heartbeat-missing-${app}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'heartbeat-missing-${app}'
      description: 'No heartbeat of the app has succeeded: it is down, or cannot reach Event Hubs, Cosmos DB or storage.'
      severity: 1
      enabled: true
      scopes: [workspace.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      // A table exists only from its first row on; a union with none that exists fails, so one that is empty is part of it.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: $'''
union isfuzzy=true (datatable(TimeGenerated: datetime, Name: string, Success: bool, AppRoleName: string)[]), AppRequests
| where Name == 'Heartbeat' and Success == true and AppRoleName =~ '${app}'
'''
            timeAggregation: 'Count'
            operator: 'LessThan'
            threshold: 1
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      actions: {
        actionGroups: [actionGroup.id]
      }
    }
  }
]

resource functionsFailing 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'functions-failing'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'functions-failing'
    description: 'A function fails again and again.'
    severity: 2
    enabled: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    // A table exists only from its first row on; a union with none that exists fails, so one that is empty is part of it.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: '''
union isfuzzy=true (datatable(TimeGenerated: datetime, Name: string, Success: bool)[]), AppRequests
| where Success == false
| extend Function = Name
'''
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 10
          dimensions: [{ name: 'Function', operator: 'Include', values: ['*'] }]
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: {
      actionGroups: [actionGroup.id]
    }
  }
}

resource recordsParked 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = {
  name: 'records-parked'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'records-parked'
    description: 'Records became dead letters: they are in the container dead-letters, with the reason.'
    severity: 2
    enabled: true
    scopes: [workspace.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: true
    // A table exists only from its first row on; a union with none that exists fails, so one that is empty is part of it.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: '''
union isfuzzy=true (datatable(TimeGenerated: datetime, OperationName: string, StatusCode: string, Uri: string)[]), StorageBlobLogs
| where OperationName in ('PutBlob', 'PutBlockList') and StatusCode startswith '2'
| where Uri contains '/dead-letters/' or Uri contains '/event-grid-dead-letters/'
'''
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: {
      actionGroups: [actionGroup.id]
    }
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspace.id, 'contoso-events')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Contoso Events'
    description: 'How late, how many, what failed.'
    category: 'workbook'
    version: '1.0'
    sourceId: workspace.id
    serializedData: replace(loadTextContent('../workbook.json'), 'WORKSPACE_ID', workspace.id)
  }
}
