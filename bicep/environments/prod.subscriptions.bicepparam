using '../modules/subscriptions.bicep'

param environmentName = 'prod'
param apps = { CaptureBatch: 'analytics', SalesFileReceived: 'analytics' }
