//! What happens at the edges: servers that are full, absent or something else than they were, files that are, loans that are long, runtimes that end, programs
//! that are told to end; and what two transactions see of each other.

mod anomalies;
mod changing;
mod crowd;
mod disk;
mod full;
mod leaks;
mod loans;
mod programs;
mod resolved;
mod roles;
mod runtimes;
mod same;
mod storm;
mod strangers;
mod told;
mod waits;
