//! A role: the sections that one program reads of the tree that all programs share.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fragment::Fragment;

/// All settings of one role. [`role!`](crate::role) makes one.
pub trait Role: DeserializeOwned + Serialize {
    /// Its sections. A struct's field has the name of its section.
    const FRAGMENTS: &'static [Fragment];
    /// TOML with what differs from the fragments' defaults in this role.
    const DIFFERENT: &'static str;
}

/// Makes a struct from sections: a field is a section of the same name. What follows it is TOML with the defaults that differ
/// from those of the fragments.
#[macro_export]
macro_rules! role {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $role:ident {
            $($(#[$about:meta])* $shown:vis $name:ident: $section:ty,)+
        }
        $($different:literal)?
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $visibility struct $role {
            $($(#[$about])* $shown $name: $section,)+
        }

        impl $crate::Role for $role {
            const FRAGMENTS: &'static [$crate::Fragment] =
                &[$(<$section as $crate::Section>::FRAGMENT,)+];
            const DIFFERENT: &'static str = concat!($($different)?);
        }
    };
}
