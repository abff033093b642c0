using '../main.bicep'

param environmentName = 'prod'
param location = readEnvironmentVariable('CONTOSO_LOCATION', 'westeurope')
param furtherRegions = ['northeurope']
param costCenter = '1000'
param apps = [
  {
    name: 'catalog'
    team: 'catalog'
    functions: [
      'DeadLetterReplays'
      'Heartbeat'
      'Products'
      'ProductChanges'
    ]
    instanceMemoryMB: 2048
    maximumInstanceCount: 20
    alwaysReady: []
  }
  {
    name: 'site'
    team: 'site'
    functions: [
      'CollectClicks'
      'DeadLetterReplays'
      'EraseVisitor'
      'FeedbackProjection'
      'Heartbeat'
      'OpsApi'
      'PriceAlerts'
      'ProductProjection'
      'RecentlyViewed'
      'SiteApi'
    ]
    instanceMemoryMB: 2048
    maximumInstanceCount: 100
    alwaysReady: [{ name: 'http', instanceCount: 2 }]
  }
  {
    name: 'partners'
    team: 'partners'
    functions: [
      'CollectFeedback'
      'DeadLetterReplays'
      'Heartbeat'
      'PartnerHealth'
      'PartnerNotifications'
      'PartnerRedelivery'
      'Partners'
    ]
    instanceMemoryMB: 2048
    maximumInstanceCount: 20
    alwaysReady: []
  }
  {
    name: 'analytics'
    team: 'analytics'
    functions: [
      'Anomalies'
      'CaptureBatch'
      'DeadLetterReplays'
      'Heartbeat'
      'Recommendations'
      'SalesFileReceived'
      'SalesFileSlices'
      'SalesTotals'
      'TrendRollup'
      'Trends'
    ]
    instanceMemoryMB: 2048
    maximumInstanceCount: 60
    alwaysReady: []
  }
]
param deployerPrincipalId = readEnvironmentVariable('CONTOSO_DEPLOYER_ID', '00000000-0000-0000-0000-000000000000')
param deployerPrincipalType = 'ServicePrincipal'
param repository = readEnvironmentVariable('CONTOSO_REPOSITORY', '')
param people = [
  {
    name: 'operator'
    principalId: readEnvironmentVariable('CONTOSO_OPERATORS_ID', '')
    principalType: 'Group'
  }
  {
    name: 'rebuild'
    principalId: readEnvironmentVariable('CONTOSO_REBUILD_ID', '')
    principalType: 'ServicePrincipal'
  }
]
param privateNetworking = true
param callers = []
param zoneRedundant = true
param locked = true
param storageSku = 'Standard_GZRS'
param immutabilityDays = 365
param immutabilityLocked = false
param throughputUnits = 4
param maximumThroughputUnits = 20
param cosmosThroughput = { catalog: 4000, site: 40000, analytics: 20000, feedback: 4000, partners: 4000 }
param backupTier = 'Continuous30Days'
param logRetentionDays = 90
param logQuotaGb = 20
param lagAlertSeconds = 60
param alertEmail = readEnvironmentVariable('CONTOSO_ALERT_EMAIL', 'operators@contoso.example')
param budgetAmount = 6000
param budgetStartDate = '2026-12-01'
param otlpEndpoint = readEnvironmentVariable('CONTOSO_OTLP_ENDPOINT', '')
param traceShare = '0.01'
param furtherOrigins = []
param partnerKeyVaultUri = readEnvironmentVariable('CONTOSO_PARTNER_KEY_VAULT_URI', '')
param partnerKeyVaultId = readEnvironmentVariable('CONTOSO_PARTNER_KEY_VAULT_ID', '')
param partnerContact = readEnvironmentVariable('CONTOSO_PARTNER_CONTACT', '')
