metadata description = 'Names of resources. They are computed where they are needed and handed on, so that what-if knows every one of them.'

@export()
@description('Names of the resources that an environment has once.')
type nameSet = {
  @description('Required. Log Analytics workspace.')
  workspace: string

  @description('Required. Application Insights component.')
  component: string

  @description('Required. Action group that alerts go to.')
  actionGroup: string

  @description('Required. Event Hubs namespace.')
  namespace: string

  @description('Required. Cosmos DB account.')
  cosmos: string

  @description('Required. Storage account of captured files, reports and dead letters.')
  dataStorage: string

  @description('Required. Storage account of the static site.')
  webStorage: string

  @description('Required. Event Grid system topic of the data storage account.')
  storageTopic: string

  @description('Required. Identity that writes captured files.')
  captureIdentity: string

  @description('Required. Identity that a pipeline deploys as.')
  pipelineIdentity: string

  @description('Required. Virtual network.')
  network: string
}

@export()
@description('Resource group of an environment.')
func groupNameOf(stage string) string => 'rg-contoso-events-${stage}'

@export()
@description('Names of an environment; the token makes those unique that are unique in the world.')
func namesOf(stage string, token string) nameSet => {
  workspace: 'log-contoso-${stage}'
  component: 'appi-contoso-${stage}'
  actionGroup: 'ag-contoso-${stage}'
  namespace: 'evhns-contoso-${stage}-${token}'
  cosmos: 'cosmos-contoso-${stage}-${token}'
  dataStorage: 'std${token}'
  webStorage: 'stw${token}'
  storageTopic: 'evgst-storage-${stage}'
  captureIdentity: 'id-capture-${stage}'
  pipelineIdentity: 'id-pipeline-${stage}'
  network: 'vnet-contoso-${stage}'
}

@export()
@description('Function app. It fits the 32 characters that the host takes its id from.')
func functionAppNameOf(app string, stage string, token string) string => 'func-${app}-${stage}-${take(token, 12)}'

@export()
@description('Event Grid topic.')
func topicNameOf(topic string, stage string, token string) string => 'evgt-${topic}-${stage}-${token}'

@export()
@description('Identity of an app.')
func identityNameOf(app string, stage string) string => 'id-${app}-${stage}'

@export()
@description('Storage account of an app\'s host.')
func hostStorageNameOf(app string, token string) string => 'sth${uniqueString(token, app)}'
