//! Types for names, so that a tag is never passed where a slug is expected; closed sets of names; and structs whose
//! fields have the names of columns.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! name {
    ($(#[$doc:meta])* $type:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $type(String);

        impl $type {
            /// Wraps a name as the upstream spells it.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }
            /// The name itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Defines a closed set of values as an enum, each value with its only name: the one in SQL, JSON, addresses and
/// exports. With `as "noun"`, the enum also parses as `FromStr`, and the error names the noun and the known names; with
/// `for "parameter"`, it names a parameter of the API instead.
// A name is a `tt`, because utoipa reads only a bare literal.
macro_rules! names {
    ($(#[$doc:meta])* $type:ident $(as $noun:literal)? $(for $parameter:literal)? { $($(#[$about:meta])* $value:ident = $name:tt,)+ }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            utoipa::ToSchema,
        )]
        $(#[$doc])*
        pub enum $type {
            $($(#[$about])* #[serde(rename = $name)] $value,)+
        }

        impl $type {
            /// All values, in the order of the definition.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// The name in SQL, JSON, addresses and exports.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }

            /// The value of a name.
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == name)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        $(impl std::str::FromStr for $type {
            type Err = String;
            fn from_str(name: &str) -> Result<Self, String> {
                let known = || Self::ALL.map(Self::as_str).join(", ");
                Self::parse(name).ok_or_else(|| format!("unknown {} `{name}`: one of {}", $noun, known()))
            }
        })?

        $(impl std::str::FromStr for $type {
            type Err = String;
            fn from_str(name: &str) -> Result<Self, String> {
                let known = || Self::ALL.map(Self::as_str).join(", ");
                let refusal = || format!("invalid `{}` `{name}`; expected one of {}", $parameter, known());
                Self::parse(name).ok_or_else(refusal)
            }
        })?
    };
}
pub(crate) use names;

/// Defines a struct, and a macro that passes the names of its fields to another macro.
macro_rules! listed_fields {
    ($(#[$about:meta])* $type:ident: $with:ident; $($(#[$of:meta])* $field:ident: $kind:ty,)+) => {
        $(#[$about])*
        pub struct $type {
            $($(#[$of])* pub $field: $kind,)+
        }

        /// Calls a macro with the names of the fields.
        macro_rules! $with {
            ($apply:ident) => { $apply! { $($field),+ } };
        }
        pub(crate) use $with;
    };
}
pub(crate) use listed_fields;

name!(
    /// Canonical slug of a model: `author/name-date`; shared by all its variants.
    ModelSlug
);
name!(
    /// `standard`, `free`, `batch`, `thinking`, … of a model.
    Variant
);
name!(
    /// Base slug of the company that serves the model: `deepinfra`.
    ProviderSlug
);
name!(
    /// Routing name of an endpoint: `deepinfra/fp8`. A dated attribute, not a key: tags change.
    Tag
);
name!(
    /// An upstream's name of a kind of document. It appears in manifests, so it never changes.
    DocumentName
);

impl Variant {
    /// The variant of a model id without a suffix.
    pub fn standard() -> Self {
        Self::new("standard")
    }
    /// Splits a public model id into its base and its variant: `a/b:free` is (`a/b`, `free`).
    pub fn split(model_id: &str) -> (&str, Self) {
        match model_id.split_once(':') {
            Some((base, variant)) => (base, Self::new(variant)),
            None => (model_id, Self::standard()),
        }
    }
    /// Whether a price of 0 means "missing": `batch` traffic is billed elsewhere.
    pub fn zero_price_is_missing(&self) -> bool {
        self.0 == "batch"
    }
    /// Whether this is the variant that tiers and the backtest compare.
    pub fn is_standard(&self) -> bool {
        self.0 == "standard"
    }
}

impl ProviderSlug {
    /// The provider of a tag: the part before the first slash.
    pub fn of_tag(tag: &Tag) -> Self {
        let text = tag.as_str();
        Self::new(text.split('/').next().unwrap_or(text))
    }
}

/// Namespace of the ids that replace an endpoint's UUID as long as the upstream has not published it.
const SYNTHETIC: Uuid = Uuid::from_u128(0x6b1d_9c5e_3f52_5d0b_9a61_0f7c_5e2d_84a1);

/// The key of an endpoint whose UUID is unknown (the statistics source is off): uuid5 of (model, variant, tag).
pub fn synthetic_endpoint_id(model: &ModelSlug, variant: &Variant, tag: &Tag) -> Uuid {
    let name = format!("{model}\u{1f}{variant}\u{1f}{tag}");
    Uuid::new_v5(&SYNTHETIC, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_suffixes_of_the_public_id() {
        assert_eq!(Variant::split("a/b:free"), ("a/b", Variant::new("free")));
        assert_eq!(Variant::split("a/b"), ("a/b", Variant::standard()));
    }

    #[test]
    fn synthetic_ids_keep_variants_apart_and_repeat() {
        let (model, tag) = (ModelSlug::new("a/b-1"), Tag::new("p/fp8"));
        let one = synthetic_endpoint_id(&model, &Variant::standard(), &tag);
        assert_eq!(one, synthetic_endpoint_id(&model, &Variant::standard(), &tag));
        assert_ne!(one, synthetic_endpoint_id(&model, &Variant::new("free"), &tag));
    }
}
