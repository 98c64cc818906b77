//! JSON schemas of the domain types, as answers refer to them. What every operation shares is a reference to a component
//! of the OpenAPI document.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::commit::Commit;
use crate::configuration::Configuration;
use crate::ids::{CommitKey, ConfigId, TestId};
use crate::state::{NAMES, State};

macro_rules! shape {
    ($type:ty, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

shape!(Configuration, { "$ref": "#/components/schemas/Configuration" });
shape!(Commit, { "$ref": "#/components/schemas/Commit" });
shape!(State, { "type": "string", "enum": NAMES });
shape!(CommitKey, { "type": "integer", "minimum": 0 });
shape!(TestId, { "type": "integer", "minimum": 0 });
shape!(ConfigId, { "type": "integer", "minimum": 0 });
