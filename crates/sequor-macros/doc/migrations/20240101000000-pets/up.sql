CREATE TABLE pets (name text NOT NULL);
