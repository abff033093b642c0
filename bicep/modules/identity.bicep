metadata description = 'Identity of an app or of a service. It is a resource of its own, so that it and its roles outlive what uses it.'

import { tagSet } from '../types.bicep'

@description('Required. Name.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Object id, which roles are given to.')
output principalId string = identity.properties.principalId
