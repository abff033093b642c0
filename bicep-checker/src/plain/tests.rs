use super::*;
use crate::syntax::{parse_file, parse_params};

/// The repository's own templates.
fn bicep() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../bicep")
}

fn context(files: &[(&str, &str)]) -> Context {
    Context::new(files.iter().map(|(path, text)| ((*path).to_owned(), parse_file(text).file)))
}

#[test]
fn the_plain_form_of_every_file_has_its_resources_and_parses() {
    for environment in ["dev", "test", "prod"] {
        let parameters = format!("environments/{environment}.bicepparam");
        let context = Context::read(&bicep(), Some(&parameters)).expect("bicep/");
        let mut count = 0;
        for path in context.paths() {
            let printed = plain(path, &context);
            let parsed = parse_file(&printed);
            assert_eq!(parsed.diagnostics, [], "{path}:\n{printed}");
            let file = context.file(path).expect("a file");
            let (theirs, ours) = (resources(&parsed.file), resources(file));
            count += ours.len();
            assert_eq!(theirs, ours, "{path}");
            // What is only in newer Bicep is gone.
            let old = |statement: &Statement| {
                !matches!(
                    statement.kind,
                    StatementKind::Import { .. } | StatementKind::Type { .. } | StatementKind::Function { .. }
                )
            };
            assert!(parsed.file.statements.iter().all(old), "{path}");
            assert!(
                !printed.contains("=>") && !printed.contains("...") && !printed.contains("::"),
                "{path}:\n{printed}"
            );
        }
        assert!(count > 50, "{count}");
    }
}

#[test]
fn what_is_known_in_an_environment_is_written_as_its_value() {
    let files = context(&[
        (
            "main.bicep",
            "import { nameOf, level } from 'shared.bicep'\nparam private bool\nparam stage string\n\
             module a 'm/a.bicep' = { params: { private: private, name: nameOf(stage), level: level, region: region } }\n\
             var region = deployment().location\n",
        ),
        (
            "shared.bicep",
            "@export()\nfunc nameOf(stage string) string => 'st${stage}'\n@export()\nvar level = 'TLS1_2'\n",
        ),
        (
            "m/a.bicep",
            "type kind = 'x' | 'y'\nparam private bool\nparam name kind?\nparam level string\nparam region string\n\
             @secure()\nparam secret string = 'x'\nparam list object[] = []\n\
             resource s 'A.B/c@2020-01-01' = [for item in list: if (private) {\n  name: '${name}-${item.id}'\n\
             properties: {\n  access: private ? 'Off' : 'On'\n  tls: level\n  place: region\n  ...empty(name) ? {} : { more: 1 }\n\
             rules: map(list, one => { name: one.name })\n  id: resourceId('A', any(name)!)\n  what: list[0].x\n}\n\
             resource d 'd' = { name: 'd', properties: { of: s[0].id } }\n}]\n\
             output o string = s::d.id\n",
        ),
    ]);
    let parameters = parse_params("using 'main.bicep'\nparam private = true\nparam stage = 'prod'\n").file;
    let context = files.in_environment("prod.bicepparam", &parameters);
    let expected = "\
targetScope = 'resourceGroup'
param private bool
param name string
param level string
param region string
@secure()
param secret string = 'x'
param list array
resource s 'A.B/c@2020-01-01' = {
  name: 'stprod-${item.id}'
  properties: {
    access: 'Off'
    tls: 'TLS1_2'
    place: region
    more: 1
    rules: [
      {
        name: one.name
      }
    ]
    id: resourceId('A', 'stprod')
    what: computed
  }
}
resource d 'A.B/c/d@2020-01-01' = {
  parent: s
  name: 'd'
  properties: {
    of: s.id
  }
}
output o string = d.id
";
    assert_eq!(plain("m/a.bicep", &context), expected);
}
