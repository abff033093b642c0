using '../modules/subscriptions.bicep'

param environmentName = 'test'
param apps = { CaptureBatch: 'analytics', SalesFileReceived: 'analytics' }
