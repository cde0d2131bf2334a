'use strict';

// The tables as the application on Sequelize made them.
module.exports = {
  async up(queryInterface, Sequelize) {
    const id = { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true };
    const times = { created_at: { type: Sequelize.DATE, allowNull: false }, updated_at: { type: Sequelize.DATE, allowNull: false } };
    const user_id = (onDelete) => ({
      type: Sequelize.INTEGER, allowNull: false, references: { model: 'users', key: 'id' }, onUpdate: 'CASCADE', onDelete,
    });
    const text = { type: Sequelize.STRING, allowNull: false };
    await queryInterface.createTable('users', {
      id,
      email: { type: Sequelize.STRING, allowNull: false, unique: true },
      name: { type: Sequelize.STRING(80), allowNull: false },
      password: text,
      confirmed: { type: Sequelize.BOOLEAN, allowNull: false, defaultValue: false },
      ...times,
    });
    await queryInterface.createTable('otps', {
      id,
      user_id: user_id('CASCADE'),
      code: text,
      attempts: { type: Sequelize.INTEGER, allowNull: false, defaultValue: 0 },
      expires_at: { type: Sequelize.DATE, allowNull: false },
      used_at: Sequelize.DATE,
      ...times,
    });
    await queryInterface.addIndex('otps', ['user_id', 'created_at']);
    await queryInterface.createTable('social_auths', {
      id, user_id: user_id('CASCADE'), provider: text, provider_user_id: { type: Sequelize.STRING(191), allowNull: false }, ...times,
    });
    await queryInterface.addIndex('social_auths', ['provider', 'provider_user_id'], { unique: true });
    await queryInterface.createTable('files', {
      id,
      user_id: user_id('CASCADE'),
      name: text,
      mime_type: { type: Sequelize.STRING(100), allowNull: false },
      size: { type: Sequelize.BIGINT, allowNull: false },
      path: { type: Sequelize.STRING, allowNull: false, unique: true },
      ...times,
    });
    await queryInterface.createTable('payments', {
      id,
      user_id: user_id('RESTRICT'),
      amount: { type: Sequelize.DECIMAL(12, 2), allowNull: false },
      currency: { type: Sequelize.STRING(3), allowNull: false },
      status: {
        type: Sequelize.ENUM('pending', 'authorized', 'captured', 'refunded', 'failed'), allowNull: false, defaultValue: 'pending',
      },
      idempotency_key: { type: Sequelize.STRING(100), allowNull: false },
      ...times,
    });
    await queryInterface.addIndex('payments', ['user_id', 'idempotency_key'], { unique: true });
    const now = new Date('2024-01-01T00:00:00.123Z');
    await queryInterface.bulkInsert('users', [
      { email: 'old@example.com', name: 'Old', password: 'no hash', confirmed: true, created_at: now, updated_at: now },
    ]);
  },

  async down(queryInterface) {
    for (const table of ['payments', 'files', 'social_auths', 'otps', 'users']) {
      await queryInterface.dropTable(table);
    }
  },
};
