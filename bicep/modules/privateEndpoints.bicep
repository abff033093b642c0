metadata description = 'Private endpoints of the data services, one after the other: they change the same subnet.'

import { tagSet } from '../types.bicep'

@description('Private endpoint.')
type endpointSpec = {
  @description('Required. Type of the service.')
  type: string

  @description('Required. Name of the service.')
  name: string

  @description('Required. Part of the service, as Azure names it.')
  group: string

  @description('Required. Private DNS zone that resolves it.')
  zone: string
}

@description('Required. Endpoints.')
param endpoints endpointSpec[]

@description('Required. Name of the virtual network.')
param networkName string

@description('Required. Region.')
param location string

@description('Required. Tags, which their network interfaces inherit.')
param tags tagSet

resource network 'Microsoft.Network/virtualNetworks@2025-09-01' existing = {
  name: networkName

  resource subnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' existing = [
  for endpoint in endpoints: {
    name: endpoint.zone
  }
]

@batchSize(1)
resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for endpoint in endpoints: {
    name: 'pep-${endpoint.name}-${toLower(endpoint.group)}'
    location: location
    tags: tags
    properties: {
      subnet: { id: network::subnet.id }
      privateLinkServiceConnections: [
        {
          name: endpoint.group
          properties: {
            privateLinkServiceId: resourceId(endpoint.type, endpoint.name)
            groupIds: [endpoint.group]
          }
        }
      ]
    }
  }
]

@batchSize(1)
resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (endpoint, i) in endpoints: {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: endpoint.group, properties: { privateDnsZoneId: zones[i].id } }
      ]
    }
  }
]
