metadata name = 'Contoso Events'
metadata description = 'Everything that Contoso Events has in Azure, but for the code and what can only follow it.'

targetScope = 'subscription'

import { appRole, appSpec, grant, numberByName, person, personRole, stage, tagsOf } from 'types.bicep'
import { functionAppNameOf, groupNameOf, hostStorageNameOf, identityNameOf, namesOf, topicNameOf } from 'names.bicep'

@description('App as it was deployed.')
type deployedApp = {
  @description('Required. Name in the parameters.')
  name: string

  @description('Required. Name of the function app.')
  functionApp: string

  @description('Required. Host name.')
  hostName: string

  @description('Required. Functions that it runs.')
  functions: string[]
}

@description('Required. Stage.')
param environmentName stage

@description('Optional. Region.')
param location string = deployment().location

@description('Required. Further regions of Cosmos DB, in the order in which they take writes over.')
param furtherRegions string[]

@description('Required. Whom the cost is charged to.')
param costCenter string

@description('Required. Apps that the package runs as. Together they have every function once.')
@minLength(1)
param apps appSpec[]

@description('Required. Object id of who deploys.')
param deployerPrincipalId string

@description('Required. What the deployer is.')
param deployerPrincipalType 'ServicePrincipal' | 'User'

@description('Required. Repository of GitHub (owner/name) whose pipeline is to deploy, where a person prepares that; else empty.')
param repository string

@description('Required. Groups of people, and programs outside of Azure, that have roles.')
param people person[]

@description('Required. Whether data services have private addresses only, and apps go out through a network.')
param privateNetworking bool

@description('Required. With private networking, ranges of addresses (CIDR) that may call the apps besides Event Grid.')
param callers string[]

@description('Required. Whether what can is spread over zones; not every region offers it, and it cannot be changed later.')
param zoneRedundant bool

@description('Required. Whether nobody may delete what holds data.')
param locked bool

@description('Required. Replication of storage accounts.')
param storageSku 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GZRS'

@description('Required. Days in which nobody can change or delete captured files that name no person; 0 for none.')
@minValue(0)
@maxValue(1095)
param immutabilityDays int

@description('Required. Whether the policy of these days was locked by hand, and is left alone.')
param immutabilityLocked bool

@description('Required. Throughput units of Event Hubs at rest.')
@minValue(1)
@maxValue(40)
param throughputUnits int

@description('Required. Throughput units that Event Hubs may grow to.')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int

@description('Required. Request units a second of each Cosmos DB database, at most; a tenth is paid for at rest.')
param cosmosThroughput numberByName

@description('Required. How far back Cosmos DB can be restored.')
param backupTier 'Continuous7Days' | 'Continuous30Days'

@description('Required. Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int

@description('Required. GB of logs a day; what is more is dropped until the next day.')
@minValue(1)
param logQuotaGb int

@description('Required. Seconds from an event to its effect that are too many.')
@minValue(1)
param lagAlertSeconds int

@description('Required. Address that alerts are sent to.')
param alertEmail string

@description('Required. Amount a month that is planned for, in the currency of the subscription; 0 for no budget.')
@minValue(0)
param budgetAmount int

@description('Required. First day of the month that the budget begins in. Azure refuses another one later.')
param budgetStartDate string

@description('Required. Address of an OpenTelemetry collector that takes OTLP over HTTP; empty for none.')
param otlpEndpoint string

@description('Required. Share of traces that are recorded, from 0 to 1.')
param traceShare string

@description('Required. Address of the key vault whose secret partner-master-keys the secrets of webhooks are derived from; empty for none.')
param partnerKeyVaultUri string

@description('Required. Resource id of that vault, on whose secret apps then get the role to read it; empty where somebody else gives it.')
param partnerKeyVaultId string

@description('Required. Whom the owner of a webhook may write to; empty for nobody.')
param partnerContact string

@description('Required. Further origins whose pages may call the functions of HTTP.')
param furtherOrigins string[]

@description('Optional. Whether the code is there already, so that Event Grid can ask the functions that it delivers to.')
param functionsDeployed bool = false

@description('What the app is made of.')
var topology = loadJsonContent('topology.json')

@description('Resource group.')
var groupName = groupNameOf(environmentName)

@description('What makes names unique in the world.')
var token = uniqueString(subscription().id, groupName)

@description('Names of the resources that there is one of.')
var names = namesOf(environmentName, token)

@description('Container of the package in each host storage account.')
var packageContainer = 'packages'

@description('Name of the policy on tags.')
var policyName = 'contoso-events-${environmentName}-teams'

@description('Tags of what the platform team owns.')
var platformTags = tagsOf(environmentName, 'platform', costCenter)

@description('Azure Event Hubs Data Sender.')
var senderRole = '2b629674-e913-4c01-ae53-ef4638d8f975'

@description('Azure Event Hubs Data Receiver.')
var receiverRole = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'

@description('Key Vault Secrets User.')
var secretsUserRole = '4633458b-17de-408a-b874-0445c86b69e6'

@description('Roles that modules give by themselves: Blob and Table Data Contributor, Queue Data Message Sender, Monitoring Metrics Publisher, Key Vault Secrets User.')
var templateRoles = [
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  '3913510d-42f4-4e42-8a64-420c390055eb'
  secretsUserRole
]

@description('Names of all functions.')
var allFunctions = map(topology.functions, item => item.name)

@description('Roles that each function needs.')
var grantsByFunction = toObject(topology.functions, item => item.name, item => item.grants)

@description('Functions of each app.')
var functionsOf = map(apps, item => empty(item.functions) ? allFunctions : item.functions)

@description('Roles of each app: what every app needs, and what its functions need.')
var grantsOf = map(functionsOf, list => union(topology.everyApp, flatten(map(list, name => grantsByFunction[name]))))

@description('Names of the identities of the apps.')
var identityNames = map(apps, item => identityNameOf(item.name, environmentName))

@description('Names of the host storage accounts of the apps.')
var hostStorageNames = map(apps, item => hostStorageNameOf(item.name, token))

@description('Roles of each app on hubs.')
var hubGrantsOf = map(grantsOf, list => filter(list, item => item.kind == 'hub'))

@description('The same as one list, with the number of the app.')
var hubGrants = flatten(map(range(0, length(apps)), i => map(hubGrantsOf[i], item => { app: i, grant: item })))

@description('Who sends to which hub.')
var sending = filter(hubGrants, item => item.grant.role == senderRole)

@description('Who reads which hub.')
var receiving = filter(hubGrants, item => item.grant.role == receiverRole)

@description('Consumer groups, with the function that each is for.')
var consumerGroups = topology.eventHubs.consumerGroups

@description('Containers that files are captured to.')
var captureContainers = intersection(
  topology.storage.dataContainers,
  map(topology.eventHubs.hubs, item => item.captureContainer)
)

@description('Names of the Event Grid topics by those in topology.json.')
var topicNames = toObject(
  topology.eventGrid.topics,
  item => item.name,
  item => topicNameOf(item.name, environmentName, token)
)

@description('The same as a list.')
var topicList = map(topology.eventGrid.topics, item => topicNames[item.name])

@description('Roles of each app on data of Cosmos DB.')
var cosmosGrantsOf = map(grantsOf, list => filter(list, item => startsWith(item.kind, 'cosmos')))

@description('The same as one list, with identities.')
var appRoles = flatten(map(range(0, length(apps)), i => appRolesOf(identityNames[i], cosmosGrantsOf[i])))

@description('Who has the roles of topology.json that no app has.')
var principals = concat(
  [{ name: 'deployment', principalId: deployerPrincipalId, principalType: deployerPrincipalType }],
  filter(people, item => !empty(item.principalId))
)

@description('Roles of topology.json that no app has, by who has them.')
var grantsByPerson = toObject(topology.identities, item => item.name, item => item.grants)

@description('Those on data of Cosmos DB.')
var cosmosByPerson = mapValues(grantsByPerson, list => filter(list, item => startsWith(item.kind, 'cosmos')))

@description('The same as one list, with object ids.')
var personRoles = flatten(map(principals, item => personRolesOf(item, cosmosByPerson[item.name])))

@description('Private DNS zone of blobs.')
var blobZone = 'privatelink.blob.${environment().suffixes.storage}'

@description('Private DNS zone of queues.')
var queueZone = 'privatelink.queue.${environment().suffixes.storage}'

@description('Private DNS zone of tables.')
var tableZone = 'privatelink.table.${environment().suffixes.storage}'

@description('Private DNS zone of Event Hubs.')
var namespaceZone = 'privatelink.servicebus.windows.net'

@description('Private DNS zone of Cosmos DB.')
var cosmosZone = 'privatelink.documents.azure.com'

@description('Private DNS zone of Event Grid topics.')
var topicZone = 'privatelink.eventgrid.azure.net'

@description('Type of storage accounts.')
var storageType = 'Microsoft.Storage/storageAccounts'

@description('Private endpoints.')
var endpoints = concat(
  [
    { type: storageType, name: names.dataStorage, group: 'blob', zone: blobZone }
    { type: storageType, name: names.dataStorage, group: 'queue', zone: queueZone }
    { type: 'Microsoft.EventHub/namespaces', name: names.namespace, group: 'namespace', zone: namespaceZone }
    { type: 'Microsoft.DocumentDB/databaseAccounts', name: names.cosmos, group: 'Sql', zone: cosmosZone }
  ],
  map(topicList, name => { type: 'Microsoft.EventGrid/topics', name: name, group: 'topic', zone: topicZone }),
  map(hostStorageNames, name => { type: storageType, name: name, group: 'blob', zone: blobZone }),
  map(hostStorageNames, name => { type: storageType, name: name, group: 'table', zone: tableZone })
)

@description('Name of the app that has each function which Event Grid delivers to.')
var subscribers = toObject(
  topology.eventGrid.subscriptions,
  item => item.function,
  item => apps[indexOf(map(functionsOf, list => contains(list, item.function)), true)].name
)

@description('Roles of topology.json.')
var topologyRoles = union(
  flatten(map(topology.functions, item => map(item.grants, grant => grant.role))),
  flatten(map(topology.identities, item => map(item.grants, grant => grant.role))),
  map(topology.everyApp, grant => grant.role)
)

@description('Roles that a pipeline may give: all but those on data of Cosmos DB, which are not assigned by Azure\'s own access control.')
var givenRoles = union(templateRoles, filter(topologyRoles, role => !startsWith(role, '00000000-')))

@description('Parts of the resource id of the key vault of partners.')
var partnerKeyVault = split(partnerKeyVaultId, '/')

@description('Numbers of the apps that derive secrets of webhooks and get their role on that vault here.')
var partnerApps = filter(
  range(0, length(apps)),
  i => !empty(partnerKeyVaultId) && (contains(functionsOf[i], 'Partners') || contains(functionsOf[i], 'PartnerHealth'))
)

@description('Part of a path; empty where there is no name.')
func segment(kind string, name string) string => empty(name) ? '' : '/${kind}/${name}'

@description('Path of a database, or of a container in it, below its account.')
func pathOf(database string, container string) string => '${segment('dbs', database)}${segment('colls', container)}'

@description('Roles of an app on data of Cosmos DB.')
func appRolesOf(identity string, grants grant[]) appRole[] =>
  map(grants, item => {
    identity: identity
    path: pathOf(item.database, item.name)
    role: item.role
  })

@description('Roles of a person on data of Cosmos DB.')
func personRolesOf(who person, grants grant[]) personRole[] =>
  map(grants, item => {
    person: who.name
    principalId: who.principalId
    path: pathOf(item.database, item.name)
    role: item.role
  })

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: union(platformTags, { 'azd-env-name': environmentName })
}

module tagPolicy 'modules/tagPolicy.bicep' = {
  params: { name: policyName }
}

module governance 'modules/governance.bicep' = {
  scope: group
  params: {
    policyName: policyName
    budgetAmount: budgetAmount
    budgetStartDate: budgetStartDate
    alertEmail: alertEmail
  }
  dependsOn: [tagPolicy]
}

module pipelineIdentity 'modules/pipelineIdentity.bicep' = if (!empty(repository)) {
  scope: group
  params: {
    name: names.pipelineIdentity
    location: location
    tags: platformTags
    repository: repository
    environmentName: environmentName
  }
}

// A pipeline may not give itself roles, so only a person's deployment has these.
module pipelineRoles 'modules/pipelineRoles.bicep' = if (!empty(repository)) {
  params: {
    principalName: names.pipelineIdentity
    principalId: pipelineIdentity!.outputs.principalId
    roles: givenRoles
  }
}

// Identities come first: it takes a while until the rest of Azure knows of them.
module captureIdentity 'modules/identity.bicep' = {
  scope: group
  params: { name: names.captureIdentity, location: location, tags: platformTags }
}

module identities 'modules/identity.bicep' = [
  for (app, i) in apps: {
    scope: group
    params: {
      name: identityNames[i]
      location: location
      tags: tagsOf(environmentName, app.team, costCenter)
    }
  }
]

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    workspaceName: names.workspace
    componentName: names.component
    actionGroupName: names.actionGroup
    location: location
    tags: platformTags
    retentionDays: logRetentionDays
    dailyQuotaGb: logQuotaGb
    alertEmail: alertEmail
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  scope: group
  params: {
    name: names.network
    location: location
    tags: platformTags
    zones: [blobZone, queueZone, tableZone, namespaceZone, cosmosZone, topicZone]
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    name: names.dataStorage
    location: location
    tags: platformTags
    sku: storageSku
    containers: topology.storage.dataContainers
    retentions: topology.storage.retention
    immutabilityDays: immutabilityDays
    immutabilityLocked: immutabilityLocked
    softDeleteDays: 7
    captureIdentityName: names.captureIdentity
    captureContainers: captureContainers
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
    privateNetworking: privateNetworking
    locked: locked
    workspaceName: names.workspace
  }
  dependsOn: [captureIdentity, monitoring]
}

module web 'modules/web.bicep' = {
  scope: group
  params: {
    name: names.webStorage
    location: location
    tags: tagsOf(environmentName, 'site', costCenter)
    sku: storageSku
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
    workspaceName: names.workspace
  }
  dependsOn: [monitoring]
}

// The account takes minutes, in which identities become known to its data plane.
module cosmos 'modules/cosmos.bicep' = {
  scope: group
  params: {
    name: names.cosmos
    locations: concat([location], furtherRegions)
    tags: platformTags
    databases: topology.cosmos.databases
    containers: topology.cosmos.containers
    maxThroughput: cosmosThroughput
    zoneRedundant: zoneRedundant
    backupTier: backupTier
    privateNetworking: privateNetworking
    locked: locked
    workspaceName: names.workspace
  }
  dependsOn: [identities, monitoring]
}

module cosmosRoles 'modules/cosmosRoles.bicep' = {
  scope: group
  params: { accountName: names.cosmos, apps: appRoles, people: personRoles }
  dependsOn: [cosmos, identities]
}

module eventHubs 'modules/eventHubs.bicep' = {
  scope: group
  params: {
    name: names.namespace
    location: location
    tags: platformTags
    captureIdentityName: names.captureIdentity
    schemaGroups: topology.eventHubs.schemaGroups
    capacity: throughputUnits
    maximumThroughputUnits: maximumThroughputUnits
    privateNetworking: privateNetworking
    locked: locked
    workspaceName: names.workspace
  }
  dependsOn: [captureIdentity, monitoring]
}

@batchSize(1)
module producers 'modules/producer.bicep' = [
  for hub in topology.eventHubs.hubs: {
    scope: group
    params: {
      namespaceName: names.namespace
      hub: hub
      captureStorageName: names.dataStorage
      captureIdentityName: names.captureIdentity
      senders: map(filter(sending, item => item.grant.name == hub.name), item => identityNames[item.app])
    }
    dependsOn: [eventHubs, storage, identities]
  }
]

@batchSize(1)
module consumers 'modules/consumer.bicep' = [
  for read in receiving: {
    scope: group
    params: {
      namespaceName: names.namespace
      hubName: read.grant.name
      groups: map(
        filter(consumerGroups, item => item.hub == read.grant.name && contains(functionsOf[read.app], item.function)),
        item => item.name
      )
      receiver: identityNames[read.app]
    }
    dependsOn: [producers]
  }
]

module eventGrid 'modules/eventGrid.bicep' = {
  scope: group
  params: {
    topics: topology.eventGrid.topics
    topicNames: topicList
    storageTopicName: names.storageTopic
    storageName: names.dataStorage
    deadLetterContainer: topology.eventGrid.subscriptions[0].deadLetterContainer
    location: location
    tags: tagsOf(environmentName, 'partners', costCenter)
    privateNetworking: privateNetworking
    workspaceName: names.workspace
  }
  dependsOn: [storage]
}

module appGrants 'modules/grants.bicep' = [
  for (app, i) in apps: {
    scope: group
    params: {
      principalName: identityNames[i]
      principalId: identities[i].outputs.principalId
      principalType: 'ServicePrincipal'
      // Those on hubs come with the hub and with its consumers.
      grants: filter(grantsOf[i], item => item.kind != 'hub')
      namespaceName: names.namespace
      dataStorageName: names.dataStorage
      topicNames: topicNames
      storageTopicName: names.storageTopic
      workspaceName: names.workspace
    }
    dependsOn: [eventGrid, eventHubs, storage, monitoring]
  }
]

module personGrants 'modules/grants.bicep' = [
  for item in principals: {
    scope: group
    params: {
      // With the object id: what is given to one deployer cannot be made over to the next one.
      principalName: '${item.name}/${item.principalId}'
      principalId: item.principalId
      principalType: item.principalType
      grants: grantsByPerson[item.name]
      namespaceName: names.namespace
      dataStorageName: names.dataStorage
      topicNames: topicNames
      storageTopicName: names.storageTopic
      workspaceName: names.workspace
    }
    dependsOn: [eventGrid, producers, storage, monitoring]
  }
]

module hostStorage 'modules/hostStorage.bicep' = [
  for (app, i) in apps: {
    scope: group
    params: {
      name: hostStorageNames[i]
      location: location
      tags: tagsOf(environmentName, app.team, costCenter)
      sku: storageSku
      containers: topology.storage.hostContainers
      packageContainer: packageContainer
      identityName: identityNames[i]
      grants: filter(grantsOf[i], item => item.kind == 'hostContainer')
      privateNetworking: privateNetworking
      workspaceName: names.workspace
    }
    dependsOn: [identities, monitoring]
  }
]

// An endpoint changes the service that it leads to, which refuses other changes meanwhile: roles of Cosmos DB, hubs and their groups.
module privateEndpoints 'modules/privateEndpoints.bicep' = if (privateNetworking) {
  scope: group
  params: { endpoints: endpoints, networkName: names.network, location: location, tags: platformTags }
  dependsOn: [consumers, cosmos, cosmosRoles, eventGrid, eventHubs, hostStorage, network, storage]
}

module partnerKeyVaultRoles 'modules/partnerKeyVaultRole.bicep' = [
  for i in partnerApps: {
    scope: resourceGroup(partnerKeyVault[2], partnerKeyVault[4])
    params: {
      vaultName: last(partnerKeyVault)
      role: secretsUserRole
      principalName: identityNames[i]
      principalId: identities[i].outputs.principalId
    }
  }
]

module functionApps 'modules/functionApp.bicep' = [
  for (app, i) in apps: {
    scope: group
    params: {
      name: functionAppNameOf(app.name, environmentName, token)
      location: location
      tags: tagsOf(environmentName, app.team, costCenter)
      app: app
      functions: functionsOf[i]
      identityName: identityNames[i]
      hostStorageName: hostStorageNames[i]
      packageContainer: packageContainer
      componentName: names.component
      cosmosName: names.cosmos
      namespaceName: names.namespace
      schemaGroup: topology.eventHubs.schemaGroups[0].name
      dataStorageName: names.dataStorage
      partnersTopicName: topicNames.partners
      workspaceName: names.workspace
      partnerKeyVaultUri: partnerKeyVaultUri
      partnerContact: partnerContact
      origins: join(concat([web.outputs.origin], furtherOrigins), ',')
      otlpEndpoint: otlpEndpoint
      traceShare: traceShare
      zoneRedundant: zoneRedundant
      networkName: privateNetworking ? names.network : ''
      callers: callers
    }
    dependsOn: [appGrants, consumers, cosmosRoles, hostStorage, partnerKeyVaultRoles, privateEndpoints]
  }
]

// Event Grid asks the functions whether they agree, so the code must be there: see docs/deploy.md.
module subscriptions 'modules/subscriptions.bicep' = if (functionsDeployed) {
  scope: group
  params: { environmentName: environmentName, apps: subscribers }
  dependsOn: [eventGrid, functionApps]
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: platformTags
    workspaceName: names.workspace
    actionGroupName: names.actionGroup
    namespaceName: names.namespace
    cosmosName: names.cosmos
    topicNames: topicList
    storageTopicName: names.storageTopic
    functionApps: map(apps, item => functionAppNameOf(item.name, environmentName, token))
    lagSeconds: lagAlertSeconds
  }
  dependsOn: [cosmos, eventGrid, eventHubs, monitoring]
}

@description('Resource group.')
output resourceGroupName string = group.name

@description('Apps.')
output apps deployedApp[] = [
  for (app, i) in apps: {
    name: app.name
    functionApp: functionAppNameOf(app.name, environmentName, token)
    hostName: functionApps[i].outputs.hostName
    functions: functionsOf[i]
  }
]

@description('Host name of the Event Hubs namespace, which has the schema registry.')
output eventHubsNamespace string = '${names.namespace}.servicebus.windows.net'

@description('Group of the schema registry.')
output schemaGroup string = topology.eventHubs.schemaGroups[0].name

@description('Storage account of the static site.')
output webAccountName string = names.webStorage

@description('Client id and object id of the pipeline, where its identity was made.')
output pipeline string[] = empty(repository)
  ? []
  : [pipelineIdentity!.outputs.clientId, pipelineIdentity!.outputs.principalId]

@description('Origin of the static site.')
output webOrigin string = web.outputs.origin

@description('Address of the Cosmos DB account.')
output cosmosEndpoint string = cosmos.outputs.endpoint
