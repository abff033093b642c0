using 'everything.bicep' with {
  mode: 'stack'
}
extends 'base.bicepparam'
import { prefix } from 'names.bicep'

type local = { a: int }
@description('A name.')
var suffix = readEnvironmentVariable('SUFFIX', 'dev')

param name = '${prefix}-${suffix}'
param tags = {
  team: 'events'
}
param sizes = [for i in range(0, 2): i]

extensionConfig k8s with { namespace: 'default' }
