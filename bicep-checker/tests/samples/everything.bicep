targetScope = 'resourceGroup'

metadata description = 'Every form of the language once.'

import { hub, sizes as tableOfSizes } from 'types.bicep'
import * as names from 'names.bicep'
extension microsoftGraph
extension 'br:example.com/extensions/k8s:1.0' with { namespace: 'default' } as k8s

/* A comment of
   two lines. */
@description('Required. The name.')
@minLength(3)
@sys.maxLength(24)
param name string

@allowed(['dev', 'test', 'prod'])
param environment string = 'dev'
param tags { team: string, *: string } = { team: 'events' }
param sizes (1 | 2 | -3)[]?
param account resourceInput<'Microsoft.Storage/storageAccounts@2025-01-01'>.properties.networkAcls
@secure()
param secret string = newGuid()

@export()
@sealed()
@description('A pair.')
type pair = {
  @description('First.')
  first: string
  'second-one': int?
  *: bool
}
type tuple = [string, pair.first, int[], tuple[0], pair.*]
type either = 'a' | 'b'
type recursive = { next: recursive?, items: hub[*] }

func join(parts string[], by string) string => '${first(parts)}${by}${last(parts)}'
func describe(value object?) string => value == null ? 'nothing' : value.?name ?? 'no name'

var typed string[] = [for i in range(0, 3): '${name}-${i}']
var empties = [{}, [], '', ''' ''', null]
var interpolated = $'''
{ "name": "${name}", "cost": "$5" }
'''
var picked = filter(items(tags), item => item.value != 'x' && !contains(item.key, 'y'))
var merged = { ...tags, size: sizes![0], last: typed[^1], maybe: sizes[?0], 'quoted-key': -1 }
var folded = reduce([1, ...[2, 3]], 0, (sum, next) => sum + next)
var less = 1 <= 2 && 3 >= 2 || 'A' =~ 'a' && 'a' !~ 'b' ? names.x : (1 + 2) * 3 / 4 % 5 - 6
assert positive = less == 0

#disable-next-line BCP081 // not in the types
resource group 'Microsoft.Example/groups@2025-01-01' existing = {
  name: 'group'
  scope: resourceGroup('other')

  @onlyIfNotExists()
  resource child 'children' = if (environment == 'prod') {
    name: 'child'
  }
}

@batchSize(2)
resource accounts 'Microsoft.Storage/storageAccounts@2025-01-01' = [
  for (size, index) in (sizes ?? []): if (size > 0) {
    name: 'st${index}'
    tags: tags
    properties: any({})
    dependsOn: [group, group::child]
  }
]

module inner 'modules/inner.bicep' = if (environment != 'dev') {
  params: {
    key: accounts[0].listKeys().keys[0].value
    secret: secret
  }
}

output id string = inner.?outputs.id ?? ''
output all array = [for i in range(0, 2): accounts[i].id]
output everything object = reduce(
  accounts,
  {},
  (found, account) =>
    union(found, { '${account.name}': { id: account.id, kind: account.kind, tags: account.?tags ?? {} } })
)
