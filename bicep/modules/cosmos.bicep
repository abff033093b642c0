metadata description = 'Cosmos DB account with its databases and containers.'

import { numberByName, tagSet } from '../types.bicep'

@description('Container.')
type containerSpec = {
  @description('Required. Its database.')
  database: string

  @description('Required. Name.')
  name: string

  @description('Required. Path of the partition key.')
  partitionKey: string

  @description('Required. Default time to live in seconds; -1 for items that name their own, 0 for none.')
  ttlSeconds: int

  @description('Required. Paths that queries need an index of.')
  indexedPaths: string[]
}

@description('Required. Name.')
param name string

@description('Required. Regions in the order in which they take writes over.')
@minLength(1)
param locations string[]

@description('Required. Tags.')
param tags tagSet

@description('Required. Databases.')
param databases string[]

@description('Required. Containers.')
param containers containerSpec[]

@description('Required. Request units a second that the containers of each database share, at most; a tenth is paid for at rest.')
param maxThroughput numberByName

@description('Required. Whether replicas are spread over zones.')
param zoneRedundant bool

@description('Required. How far back the account can be restored.')
param backupTier 'Continuous7Days' | 'Continuous30Days'

@description('Required. Whether only private endpoints reach it.')
param privateNetworking bool

@description('Required. Whether nobody may delete it.')
param locked bool

@description('Required. Name of the workspace that its logs go to.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: name
  location: locations[0]
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    consistencyPolicy: { defaultConsistencyLevel: 'Session' }
    locations: map(range(0, length(locations)), i => {
      locationName: locations[i]
      failoverPriority: i
      isZoneRedundant: zoneRedundant
    })
    enableAutomaticFailover: length(locations) > 1
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: { tier: backupTier }
    }
    enableBurstCapacity: true
  }
}

@batchSize(1)
resource sqlDatabases 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = [
  for database in databases: {
    parent: account
    name: database
    properties: {
      resource: { id: database }
      options: {
        autoscaleSettings: { maxThroughput: maxThroughput[database] }
      }
    }
  }
]

// Only what queries need is indexed: every other path would be paid for at each write. Times to live need this mode.
@batchSize(1)
resource sqlContainers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = [
  for container in containers: {
    name: '${name}/${container.database}/${container.name}'
    properties: {
      resource: {
        id: container.name
        partitionKey: { paths: [container.partitionKey], kind: 'Hash', version: 2 }
        defaultTtl: container.ttlSeconds == 0 ? null : container.ttlSeconds
        indexingPolicy: {
          automatic: true
          indexingMode: 'consistent'
          includedPaths: map(container.indexedPaths, path => { path: path })
          excludedPaths: [{ path: '/*' }]
        }
      }
    }
    dependsOn: [sqlDatabases]
  }
]

resource lock 'Microsoft.Authorization/locks@2020-05-01' = if (locked) {
  name: 'keep'
  scope: account
  properties: { level: 'CanNotDelete', notes: 'Its data is gone with it, but for what backups have.' }
}

#disable-next-line use-recent-api-versions // the newest stable version, of 2016, knows no groups of categories
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'workspace'
  scope: account
  properties: {
    workspaceId: workspace.id
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'ControlPlaneRequests', enabled: true }]
    metrics: [{ category: 'Requests', enabled: true }]
  }
}

@description('Address.')
output endpoint string = account.properties.documentEndpoint
