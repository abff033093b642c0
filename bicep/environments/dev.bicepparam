using '../main.bicep'

param environmentName = 'dev'
param location = readEnvironmentVariable('CONTOSO_LOCATION', 'westeurope')
param furtherRegions = []
param costCenter = '1000'
param apps = [
  {
    name: 'events'
    team: 'platform'
    functions: []
    instanceMemoryMB: 2048
    maximumInstanceCount: 10
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
param privateNetworking = false
param callers = []
param zoneRedundant = false
param locked = false
param storageSku = 'Standard_LRS'
param immutabilityDays = 0
param immutabilityLocked = false
param throughputUnits = 1
param maximumThroughputUnits = 2
param cosmosThroughput = { catalog: 1000, site: 1000, analytics: 1000, feedback: 1000, partners: 1000 }
param backupTier = 'Continuous7Days'
param logRetentionDays = 30
param logQuotaGb = 1
param lagAlertSeconds = 300
param alertEmail = readEnvironmentVariable('CONTOSO_ALERT_EMAIL', 'operators@contoso.example')
param budgetAmount = 200
param budgetStartDate = '2026-12-01'
param otlpEndpoint = readEnvironmentVariable('CONTOSO_OTLP_ENDPOINT', '')
param traceShare = '1'
param furtherOrigins = []
param partnerKeyVaultUri = readEnvironmentVariable('CONTOSO_PARTNER_KEY_VAULT_URI', '')
param partnerKeyVaultId = readEnvironmentVariable('CONTOSO_PARTNER_KEY_VAULT_ID', '')
param partnerContact = readEnvironmentVariable('CONTOSO_PARTNER_CONTACT', '')
