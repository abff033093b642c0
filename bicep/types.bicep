metadata description = 'Types that main and modules share.'

@export()
@description('Stage that the same templates are deployed to.')
type stage = 'dev' | 'test' | 'prod'

@export()
@description('Team that owns a resource; the policy on tags admits no other.')
type team = 'platform' | 'catalog' | 'site' | 'analytics' | 'partners'

@export()
@description('Every team, for the policy on tags.')
var teams = ['platform', 'catalog', 'site', 'analytics', 'partners']

@export()
@description('Tags of a resource.')
type tagSet = {
  @description('Required. What the resource is part of.')
  workload: string

  @description('Required. Stage it belongs to.')
  environment: stage

  @description('Required. Team that owns it.')
  team: team

  @description('Required. Whom its cost is charged to.')
  costCenter: string

  @description('Required. What deploys it.')
  managedBy: string
}

@export()
@description('Texts by name.')
type textByName = {
  @description('Required. Text of a name.')
  *: string
}

@export()
@description('Numbers by name.')
type numberByName = {
  @description('Required. Number of a name.')
  *: int
}

@export()
@description('Instances that are kept ready.')
type readyInstances = {
  @description('Required. A function, as function:Name, or http for all functions of HTTP.')
  name: string

  @description('Required. How many instances.')
  @minValue(1)
  @maxValue(1000)
  instanceCount: int
}

@export()
@description('App: functions of the package that run together, with an identity and a host storage account of their own.')
type appSpec = {
  @description('Required. Name, which becomes part of resource names.')
  @minLength(2)
  @maxLength(9)
  name: string

  @description('Required. Team that owns it.')
  team: team

  @description('Required. Functions that it runs; none stands for all.')
  functions: string[]

  @description('Required. Memory of an instance in MB; 512 is not offered everywhere.')
  instanceMemoryMB: 512 | 2048 | 4096

  @description('Required. How many instances it may scale to.')
  @minValue(1)
  @maxValue(1000)
  maximumInstanceCount: int

  @description('Required. Instances that are kept ready; in zone redundant plans none or two and more of each.')
  alwaysReady: readyInstances[]
}

@export()
@description('Role on something, by its kind and name.')
type grant = {
  @description('Required. Kind of the thing that the role is on.')
  kind: string

  @description('Required. Database, if the thing is one or in one.')
  database: string

  @description('Required. Name of the thing.')
  name: string

  @description('Required. GUID of the built-in role.')
  role: string
}

@export()
@description('Group of people, or a program outside of Azure, that has roles.')
type person = {
  @description('Required. Name of its roles in topology.json.')
  name: string

  @description('Required. Object id in Entra; empty where the environment has no such.')
  principalId: string

  @description('Required. What the object is.')
  principalType: 'Group' | 'ServicePrincipal' | 'User'
}

@export()
@description('Role of an app on data of Cosmos DB.')
type appRole = {
  @description('Required. Name of its identity.')
  identity: string

  @description('Required. Path of the data below the account, such as /dbs/site, or empty for all.')
  path: string

  @description('Required. Id of the built-in role definition.')
  role: string
}

@export()
@description('Role of people, or of a program outside of Azure, on data of Cosmos DB.')
type personRole = {
  @description('Required. Name of its roles in topology.json.')
  person: string

  @description('Required. Object id in Entra.')
  principalId: string

  @description('Required. Path of the data below the account, such as /dbs/site, or empty for all.')
  path: string

  @description('Required. Id of the built-in role definition.')
  role: string
}

@export()
@description('Tags of what a team owns.')
func tagsOf(environmentName stage, owner team, costCenter string) tagSet => {
  workload: 'contoso-events'
  environment: environmentName
  team: owner
  costCenter: costCenter
  managedBy: 'bicep'
}
