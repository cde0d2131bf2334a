DROP TABLE payments;
DROP TABLE files;
DROP TABLE social_auths;
DROP TABLE otps;
DROP TABLE users;
