using '../modules/subscriptions.bicep'

param environmentName = 'dev'
param apps = { CaptureBatch: 'events', SalesFileReceived: 'events' }
