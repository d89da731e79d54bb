//! The kinds of receivers: what each is sent, and how. One file for each kind.
