metadata description = 'Function app of Flex Consumption with its plan: a part of the package, which runs as one identity.'

import { appSpec, tagSet } from '../types.bicep'

@description('Required. Name.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. The app.')
param app appSpec

@description('Required. Functions that it runs.')
param functions string[]

@description('Required. Name of its identity.')
param identityName string

@description('Required. Name of its host storage account.')
param hostStorageName string

@description('Required. Container of the package in that account.')
param packageContainer string

@description('Required. Name of the Application Insights component.')
param componentName string

@description('Required. Name of the Cosmos DB account.')
param cosmosName string

@description('Required. Name of the Event Hubs namespace.')
param namespaceName string

@description('Required. Group of the schema registry.')
param schemaGroup string

@description('Required. Name of the storage account of captured files, reports and dead letters.')
param dataStorageName string

@description('Required. Name of the Event Grid topic of partners.')
param partnersTopicName string

@description('Required. Name of the Log Analytics workspace that the topic logs to.')
param workspaceName string

@description('Required. Address of the key vault whose secret partner-master-keys the secrets of webhooks are derived from; empty for none.')
param partnerKeyVaultUri string

@description('Required. Whom the owner of a webhook may write to; empty for nobody.')
param partnerContact string

@description('Required. Origins whose pages may call the functions of HTTP, separated by commas.')
param origins string

@description('Required. Address of an OpenTelemetry collector that takes OTLP over HTTP; empty for none.')
param otlpEndpoint string

@description('Required. Share of traces that are recorded, from 0 to 1.')
param traceShare string

@description('Required. Whether instances are spread over zones.')
param zoneRedundant bool

@description('Required. Name of the virtual network that the app goes out through; empty for none.')
param networkName string

@description('Required. With private networking, ranges of addresses (CIDR) that may call besides Event Grid.')
param callers string[]

@description('Monitoring Metrics Publisher.')
var publisherRole = '3913510d-42f4-4e42-8a64-420c390055eb'

@description('Subnet that apps share.')
var subnetId = resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'apps')

@description('Event Grid first, then those who were named.')
var restrictions = concat(
  [{ name: 'event-grid', priority: 100, action: 'Allow', tag: 'ServiceTag', ipAddress: 'AzureEventGrid' }],
  map(range(0, length(callers)), i => {
    name: 'caller-${i}'
    priority: 200 + i
    action: 'Allow'
    tag: 'Default'
    ipAddress: callers[i]
  })
)

@description('Value of the setting that turns a function off.')
func disabled(functions string[], name string) string => contains(functions, name) ? 'false' : 'true'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: hostStorageName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: cosmosName
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: dataStorageName
}

resource partnersTopic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: partnersTopicName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  // azd finds what it deploys to by this tag.
  tags: union(tags, { 'azd-service-name': app.name })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identity.id}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(networkName) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}${packageContainer}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      runtime: { name: 'custom', version: '1.0' }
      scaleAndConcurrency: {
        instanceMemoryMB: app.instanceMemoryMB
        maximumInstanceCount: app.maximumInstanceCount
        alwaysReady: app.alwaysReady
      }
    }
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      // Event Grid cannot deliver into a private endpoint, so the app keeps its public address and says who may call.
      ipSecurityRestrictionsDefaultAction: empty(networkName) ? 'Allow' : 'Deny'
      ipSecurityRestrictions: empty(networkName) ? [] : restrictions
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
    }
  }
}

// Everything that the handler and the host read (settings.json); a deployment replaces all of it.
resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__accountName: hostStorageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identity.properties.clientId
    Cosmos__accountEndpoint: cosmos.properties.documentEndpoint
    Cosmos__credential: 'managedidentity'
    Cosmos__clientId: identity.properties.clientId
    EventHubs__fullyQualifiedNamespace: '${namespaceName}.servicebus.windows.net'
    EventHubs__credential: 'managedidentity'
    EventHubs__clientId: identity.properties.clientId
    Storage__blobServiceUri: dataStorage.properties.primaryEndpoints.blob
    Storage__queueServiceUri: dataStorage.properties.primaryEndpoints.queue
    EventGrid__topicEndpointUri: partnersTopic.properties.endpoint
    EventGrid__topicId: partnersTopic.id
    LogAnalytics__workspaceId: workspace.properties.customerId
    Partners__keyVaultUri: partnerKeyVaultUri
    Partners__ownHosts: site.properties.defaultHostName
    Partners__contact: partnerContact
    Partners__pauseAfterHours: '120'
    Partners__deadLetterStorageId: dataStorage.id
    SchemaRegistry__group: schemaGroup
    Site__origins: origins
    Site__clicksPerSecondPerVisitor: '10'
    Site__clicksPerSecondPerAddress: '500'
    Sales__currency: 'GBP'
    AZURE_CLIENT_ID: identity.properties.clientId
    CONTOSO_LOG: 'info'
    OTEL_EXPORTER_OTLP_ENDPOINT: otlpEndpoint
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio'
    OTEL_TRACES_SAMPLER_ARG: traceShare
    APPLICATIONINSIGHTS_CONNECTION_STRING: component.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
    'AzureWebJobs.Anomalies.Disabled': disabled(functions, 'Anomalies')
    'AzureWebJobs.CaptureBatch.Disabled': disabled(functions, 'CaptureBatch')
    'AzureWebJobs.CollectClicks.Disabled': disabled(functions, 'CollectClicks')
    'AzureWebJobs.CollectFeedback.Disabled': disabled(functions, 'CollectFeedback')
    'AzureWebJobs.DeadLetterReplays.Disabled': disabled(functions, 'DeadLetterReplays')
    'AzureWebJobs.EraseVisitor.Disabled': disabled(functions, 'EraseVisitor')
    'AzureWebJobs.FeedbackProjection.Disabled': disabled(functions, 'FeedbackProjection')
    'AzureWebJobs.Heartbeat.Disabled': disabled(functions, 'Heartbeat')
    'AzureWebJobs.OpsApi.Disabled': disabled(functions, 'OpsApi')
    'AzureWebJobs.PartnerHealth.Disabled': disabled(functions, 'PartnerHealth')
    'AzureWebJobs.PartnerNotifications.Disabled': disabled(functions, 'PartnerNotifications')
    'AzureWebJobs.PartnerRedelivery.Disabled': disabled(functions, 'PartnerRedelivery')
    'AzureWebJobs.Partners.Disabled': disabled(functions, 'Partners')
    'AzureWebJobs.PriceAlerts.Disabled': disabled(functions, 'PriceAlerts')
    'AzureWebJobs.ProductChanges.Disabled': disabled(functions, 'ProductChanges')
    'AzureWebJobs.ProductProjection.Disabled': disabled(functions, 'ProductProjection')
    'AzureWebJobs.Products.Disabled': disabled(functions, 'Products')
    'AzureWebJobs.RecentlyViewed.Disabled': disabled(functions, 'RecentlyViewed')
    'AzureWebJobs.Recommendations.Disabled': disabled(functions, 'Recommendations')
    'AzureWebJobs.SalesFileReceived.Disabled': disabled(functions, 'SalesFileReceived')
    'AzureWebJobs.SalesFileSlices.Disabled': disabled(functions, 'SalesFileSlices')
    'AzureWebJobs.SalesTotals.Disabled': disabled(functions, 'SalesTotals')
    'AzureWebJobs.SiteApi.Disabled': disabled(functions, 'SiteApi')
    'AzureWebJobs.TrendRollup.Disabled': disabled(functions, 'TrendRollup')
    'AzureWebJobs.Trends.Disabled': disabled(functions, 'Trends')
  }
}

resource publishing 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, identityName, publisherRole)
  scope: component
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', publisherRole)
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

@description('Host name.')
output hostName string = site.properties.defaultHostName
