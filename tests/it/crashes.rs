//! It survives: processes that are killed, files that are damaged, and machines without room, rights or memory.

mod damage;
mod kills;
mod lab;
mod pairs;
mod prepare;
mod process;
mod resources;
mod state;
