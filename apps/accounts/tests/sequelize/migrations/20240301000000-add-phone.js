'use strict';

// What somebody who stays with sequelize-cli writes after the application has moved.
module.exports = {
  up: (queryInterface, Sequelize) => queryInterface.addColumn('users', 'phone', { type: Sequelize.STRING }),
  down: (queryInterface) => queryInterface.removeColumn('users', 'phone'),
};
