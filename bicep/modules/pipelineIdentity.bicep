metadata description = 'Identity that a pipeline of GitHub deploys as, without a secret: GitHub vouches for the environment of the run.'

import { stage, tagSet } from '../types.bicep'

@description('Required. Name.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags tagSet

@description('Required. Repository as owner/name, in the case that GitHub has it.')
param repository string

@description('Required. Stage, which is the name of the environment in GitHub too.')
param environmentName stage

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags

  resource credential 'federatedIdentityCredentials' = {
    name: 'github'
    properties: {
      issuer: 'https://token.actions.githubusercontent.com'
      subject: 'repo:${repository}:environment:${environmentName}'
      audiences: ['api://AzureADTokenExchange']
    }
  }
}

@description('Object id, for CONTOSO_DEPLOYER_ID.')
output principalId string = identity.properties.principalId

@description('Client id, which the pipeline signs in with.')
output clientId string = identity.properties.clientId
